"""The explanation of one event's money and credits: the stored event and what was in force in, every step out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from stream_jobs.credits.billing import Billing
from stream_jobs.credits.counted import Counted, counted
from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.credits.terms import Terms
from stream_jobs.pricing.cost_lines import CostLines, cost_lines
from stream_jobs.pricing.price_book import PriceBook
from warehouse.queries.corrected import AwaitedChange, FormerVersion
from warehouse.queries.priced_calls import RevisionTold
from warehouse.queries.traced import CountedEvent


@dataclass(frozen=True, slots=True)
class MultiplierState:
    """One state of the multipliers. terms: those that hold for the event."""

    revision: int
    rows: Sequence[MultiplierRow]
    terms: Terms


@dataclass(frozen=True, slots=True)
class InForce:
    """What priced an event, and the multipliers and terms that counted its credits and bill it.

    counted_prices: the prices in force when its credits were counted, which say what entry they were looked up by; a
    reprice that leaves the credits as they are changes the others alone.
    """

    prices: PriceBook
    counted_prices: PriceBook
    multipliers: MultiplierState


@dataclass(frozen=True, slots=True)
class StoredMoney:
    """What the event's row holds."""

    cost_nano_usd: int
    cost_status: str
    priced_as: str
    price_revision: int
    billed_nano_usd: int
    credits_micro: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """How one event got its cost, credits and billed amount.

    revisions: who made the price lists and multipliers that are named, and why. at_birth: the control records that
    came before it and changed it when it came. former: what it was before later ones changed it, oldest first. under:
    its cost under another revision that was asked for.
    """

    event: CountedEvent
    stored: StoredMoney
    cost: CostLines
    credits: Counted
    billing: Billing
    revisions: Sequence[RevisionTold] = ()
    former: Sequence[FormerVersion] = ()
    under: CostLines | None = None
    at_birth: Sequence[AwaitedChange] = ()

    @property
    def differences(self) -> tuple[str, ...]:
        """What is stored and does not follow from the rules of this version: empty, unless something is wrong."""
        pairs = (
            ("cost_nano_usd", self.stored.cost_nano_usd, self.cost.cost_nano_usd),
            ("cost_status", self.stored.cost_status, self.cost.status),
            ("priced_as", self.stored.priced_as, self.cost.priced_as),
            ("billed_nano_usd", self.stored.billed_nano_usd, self.billing.billed_nano_usd),
            ("credits_micro", self.stored.credits_micro, self.credits.credits_micro),
        )
        return tuple(f"{name} is {stored}, explained is {made}" for name, stored, made in pairs if stored != made)


def explained(
    event: CountedEvent,
    call: pl.DataFrame,
    in_force: InForce,
    revisions: Sequence[RevisionTold] = (),
    former: Sequence[FormerVersion] = (),
    under: PriceBook | None = None,
    at_birth: Sequence[AwaitedChange] = (),
) -> Explanation:
    """The explanation of one event.

    call: its row with the columns that prices and credits follow from (`repriced.NEEDED`, quantities) and those of
    StoredMoney, in the types of events at their birth.
    """
    (said,) = call.iter_rows(named=True)
    cost = cost_lines(call, in_force.prices)
    born = cost_lines(call, in_force.counted_prices)
    multipliers = in_force.multipliers
    return Explanation(
        event,
        stored_money(said),
        cost,
        counted(said, born.priced_as, multipliers.rows, multipliers.revision, multipliers.terms, born.cost_nano_usd),
        Billing(said["billing_type"], said["plan"], cost.cost_nano_usd, multipliers.terms.markup_ppm),
        revisions,
        former,
        None if under is None else cost_lines(call, under),
        at_birth,
    )


def stored_money(said: dict[str, Any]) -> StoredMoney:
    """The stored columns of one row."""
    return StoredMoney(*(said[name] for name in StoredMoney.__dataclass_fields__))
