"""Why a call counted so many credits: the priced call and one state of the multipliers in, the rule that held out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.credits.multiplier_table import DEFAULT_MILLI, places
from stream_jobs.credits.terms import Terms
from stream_jobs.pricing.quantities import read_quantities
from tokentally.tokens import TOKEN_BUCKETS


@dataclass(frozen=True, slots=True)
class Counted:
    """Credits of one call under one state of the multipliers and terms.

    priced_as: the catalogue entry that it was looked up by. row: what the list says, None where nothing does (1x).
    terms: the basis and rounding that hold. used: a request that used nothing counts nothing.
    """

    revision: int
    priced_as: str
    used: bool
    row: MultiplierRow | None
    terms: Terms
    tokens: int
    cost_nano_usd: int

    @property
    def multiplier_milli(self) -> int:
        """The multiplier in thousandths."""
        return self.row.multiplier_milli if self.row else DEFAULT_MILLI

    @property
    def credits_micro(self) -> int:
        """Millionths of a credit."""
        return self.terms.credits_micro(self.multiplier_milli, self.tokens, self.cost_nano_usd, used=self.used)


def counted(
    call: Mapping[str, Any],
    priced_as: str,
    rows: Iterable[MultiplierRow],
    revision: int,
    terms: Terms,
    cost_nano_usd: int,
) -> Counted:
    """The credits of one call: organization, provider, model, time, token buckets and quantities.

    rows: the whole state in its order. The same rule as MultiplierTable.credit in plain form.
    """
    tokens = sum(call[name] for name in TOKEN_BUCKETS)
    names = (call["organization"], priced_as.lower(), call["provider"].strip().lower(), call["model"].strip().lower())
    used = tokens > 0 or bool(read_quantities(call["quantities"]))
    row = _row(list(rows), call["time"], *names)
    return Counted(revision, priced_as, used, row, terms, tokens, cost_nano_usd)


def _row(
    rows: list[MultiplierRow], at: datetime, organization: str, priced_as: str, provider: str, model: str
) -> MultiplierRow | None:
    """The newest row at the most specific place that has one at that time; of two with one date the later one.

    One that is an end leaves it to the next place.
    """
    for place in places(organization, priced_as, provider, model):
        here = [
            row
            for row in rows
            if (row.organization, row.provider.lower(), row.model.lower()) == place and row.effective_from <= at
        ]
        newest = max(reversed(here), key=lambda row: row.effective_from, default=None)
        if newest is not None and not newest.ended:
            return newest
    return None
