"""Prices whole frames of usage: token counts and one revision of prices in, integer nano-USD and a status
out.

The rules (rate_card has them in plain form):
- Each event is priced by its own time, at the sheet in force then, at the tier that its total input tokens
  exceed.
- A bucket costs what the most specific priced unit containing it costs; one that nothing prices makes the
  cost partial.
- Prices, products and sums are exact integers (Int128, yocto-USD), rounded once per event, half to even.
- An unknown model costs 0 and is unpriced, or costs what the event says the provider reported. Nothing is
  guessed.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final, Self

import polars as pl

from stream_jobs.pricing.cost_status import CostStatus, status_of
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.quantities import read_quantities
from stream_jobs.pricing.rate_card import RateCard, total_input_tokens
from stream_jobs.pricing.rate_table import YOCTO_PER_NANO, RateTable
from stream_jobs.pricing.resolve import Resolution, Resolver
from stream_jobs.pricing.rounding import rounded_exactly, rounded_half_even
from stream_jobs.pricing.sheet import DAY_MS, Sheet, sheets
from stream_jobs.pricing.units import BUCKET_UNITS
from tokentally.tokens import DIRECTIONS, TOKEN_BUCKETS

MAX_COST_NANO_USD: Final = 10**15
"""One million USD: no single call costs more. See `exceeds_cost_bound`."""

INPUT_BUCKETS: Final = tuple(name for name in TOKEN_BUCKETS if DIRECTIONS[name] == "input")

_MAX_REMEMBERED: Final = 65_536
_UNKNOWN: Final = 0
_NO_MODEL: Final = 1
_NO_SHEET: Final = Sheet(0, 0, DAY_MS, (RateCard(0, "unknown", {}),))
_NO_MODEL_SHEET: Final = Sheet(0, 0, DAY_MS, (RateCard(0, "no model", {}),))


def exceeds_cost_bound(priced: pl.DataFrame) -> pl.Series:
    """Which rows of a priced frame cost more than MAX_COST_NANO_USD: absurd usage, to be rejected and not
    summed.

    Costs that do not fit 64 bits are the largest Int64 in the frame, so they are found too.
    """
    return (priced["cost_nano_usd"] > MAX_COST_NANO_USD).rename("exceeds_cost_bound")


class PriceBook:
    """One revision of prices, compiled. Nothing of it changes; it only remembers which names it has resolved."""

    def __init__(self, revision: int, rows: Iterable[PriceRow]) -> None:
        """Raises PriceListRefused, naming the row, when a price, unit, window or matching rule cannot be right."""
        ordered = sorted(rows, key=lambda row: row.position)
        entries = _sheets_by_entry(ordered)
        self.revision: Final = revision
        self._resolvers: Final = _resolvers(ordered)
        self._entry_of: Final = {key: index for index, key in enumerate(entries, start=_NO_MODEL + 1)}
        self._table: Final = RateTable([(_NO_SHEET,), (_NO_MODEL_SHEET,), *entries.values()], _NO_SHEET)
        names = ["", "", *(f"{provider}/{model}" for _, provider, model in entries)]
        self._priced_as: Final = pl.Series(names, dtype=pl.String)
        self._remembered: Final[dict[tuple[str, str, str], int]] = {}

    @classmethod
    def from_rows(cls, rows: Iterable[PriceRow], *, revision: int) -> Self:
        """The book of one whole revision. Raises PriceListRefused when a row cannot be right."""
        return cls(revision, rows)

    def resolve(self, organization: str, provider: str, model: str) -> Resolution | None:
        """Which entry prices this model for this organization, and why; None when nobody knows the model."""
        own = self._resolvers.get(organization)
        return (own and own.resolve(provider, model)) or self._resolvers[""].resolve(provider, model)

    def price(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame, rows in their order, with cost_nano_usd, cost_status, price_revision and priced_as.

        Raises nothing for what events may hold: what has no price costs 0 and says so. A cost that does not
        fit is the largest Int64; reject the rows that `exceeds_cost_bound` names before anything is summed.
        """
        entry, present = self._entries(frame)
        used = [name for name, most in frame.select(pl.col(TOKEN_BUCKETS).max()).row(0, named=True).items() if most]
        located = frame.select(*used, entry, pl.col("time").cast(pl.Int64).alias("time_ms"))
        located = located.with_columns(sheet=self._table.sheet_of(pl.col("entry"), pl.col("time_ms"), present))
        input_tokens = pl.sum_horizontal([pl.col(name) for name in used if name in INPUT_BUCKETS] or [pl.lit(0)])
        located = located.with_columns(card=self._table.card_of(pl.col("sheet"), input_tokens, present))
        costs = located.select(_cost(self._table, used), _status(self._table, used))
        costs = self._with_quantities(costs, frame, located["sheet"])
        costs = costs.with_columns(
            pl.lit(self.revision, dtype=pl.UInt32).alias("price_revision"),
            self._priced_as.gather(entry).alias("priced_as"),
        )
        return frame.with_columns(_with_reported(costs, frame["reported_cost_nano_usd"]))

    def _entries(self, frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
        """Each row's entry, and the entries that occur. Every distinct combination of names is resolved once."""
        organization = pl.col("organization")
        own_prices = [name for name in self._resolvers if name]
        shared = pl.when(organization.is_in(own_prices)).then(organization).otherwise(pl.lit(""))
        names = frame.select("provider", "model", *([shared.alias("organization")] if own_prices else []))
        distinct = names.unique()
        found = [self._entry(row[2] if own_prices else "", row[0], row[1]) for row in distinct.iter_rows()]
        distinct = distinct.with_columns(pl.Series("entry", found, dtype=pl.UInt32))
        entry = names.join(distinct, on=names.columns, how="left", maintain_order="left")["entry"]
        return entry, distinct["entry"]

    def _entry(self, organization: str, provider: str, model: str) -> int:
        key = (organization, provider, model)
        entry = self._remembered.get(key)
        if entry is None:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            entry = self._remembered[key] = self._resolved_entry(organization, provider, model)
        return entry

    def _resolved_entry(self, organization: str, provider: str, model: str) -> int:
        found = self.resolve(organization, provider, model)
        if found is None:
            return _UNKNOWN if model else _NO_MODEL
        shared = self._entry_of.get(("", found.provider, found.model), _UNKNOWN)
        return self._entry_of.get((organization, found.provider, found.model), shared)

    def _with_quantities(self, costs: pl.DataFrame, frame: pl.DataFrame, sheet: pl.Series) -> pl.DataFrame:
        """Costs with the rows that used rarer units priced again, one by one, in exact Python numbers."""
        rows = (frame["quantities"] != "").arg_true()
        if rows.is_empty():
            return costs
        usage = frame.select(*TOKEN_BUCKETS, "quantities")[rows].rows()
        priced = [self._priced_exactly(index, row) for index, row in zip(sheet.gather(rows), usage, strict=True)]
        cost_nano_usd, status = costs["cost_nano_usd"], costs["cost_status"]
        cost_nano_usd.scatter(rows, pl.Series([cost for cost, _ in priced], dtype=pl.Int64))
        status.scatter(rows, pl.Series([word for _, word in priced], dtype=pl.String))
        return pl.DataFrame([cost_nano_usd, status])

    def _priced_exactly(self, sheet: int, row: tuple[int | str, ...]) -> tuple[int, CostStatus]:
        *tokens, quantities = row
        usage = {u.usage_key: Fraction(n) for u, n in zip(BUCKET_UNITS, tokens, strict=True) if n}
        for key, quantity in read_quantities(str(quantities)):
            usage[key] = usage.get(key, Fraction(0)) + quantity
        total = total_input_tokens(usage)
        base, *tiers = self._table.sheets[sheet].cards
        card = next((tier for tier in reversed(tiers) if total > tier.tier_start), base)
        charges = card.charges(usage)
        cost = rounded_exactly(sum((charge.nano_usd for charge in charges), Fraction(0)))
        return cost, status_of(card, all_usage_has_a_price=all(charge.priced_unit for charge in charges))


def _cost(table: RateTable, used: list[str]) -> pl.Expr:
    card = pl.col("card")
    yocto_usd = pl.lit(table.cards.request_yocto_usd).gather(card)
    for name in used:
        rate = pl.lit(table.cards.bucket_yocto_usd[TOKEN_BUCKETS.index(name)]).gather(card)
        yocto_usd = yocto_usd + rate * pl.col(name).cast(pl.Int128)
    return rounded_half_even(yocto_usd, YOCTO_PER_NANO).alias("cost_nano_usd")


def _status(table: RateTable, used: list[str]) -> pl.Expr:
    card = pl.col("card")
    missing = pl.lit(False)
    for name in used:
        lacks_price = pl.lit(table.cards.bucket_missing[TOKEN_BUCKETS.index(name)]).gather(card)
        missing = missing | (lacks_price & (pl.col(name) > 0))
    when_missing = pl.lit(table.cards.status_when_missing).gather(card)
    return pl.when(missing).then(when_missing).otherwise(pl.lit(table.cards.status).gather(card)).alias("cost_status")


def _with_reported(costs: pl.DataFrame, reported_nano_usd: pl.Series) -> pl.DataFrame:
    """Costs where the provider's own figure stands in for a price that nobody knows."""
    if reported_nano_usd.null_count() == len(reported_nano_usd):
        return costs
    reported = pl.lit(reported_nano_usd)
    applies = (pl.col("cost_status") == "unpriced") & reported.is_not_null()
    return costs.with_columns(
        cost_nano_usd=pl.when(applies).then(reported).otherwise("cost_nano_usd"),
        cost_status=pl.when(applies).then(pl.lit("reported")).otherwise("cost_status"),
    )


def _sheets_by_entry(rows: list[PriceRow]) -> dict[tuple[str, str, str], tuple[Sheet, ...]]:
    grouped: dict[tuple[str, str, str], list[PriceRow]] = {}
    for row in rows:
        if row.model:
            grouped.setdefault((row.organization, row.provider, row.model), []).append(row)
    return {key: sheets(group) for key, group in grouped.items()}


def _resolvers(rows: list[PriceRow]) -> dict[str, Resolver]:
    """One resolver for everyone (under the empty name), and one for each organization with models of its own."""
    providers = [row for row in rows if not row.organization and not row.model]
    by_organization: dict[str, list[PriceRow]] = {"": []}
    for row in rows:
        by_organization.setdefault(row.organization, []).append(row)
    return {
        organization: Resolver([*providers, *own] if organization else own)
        for organization, own in by_organization.items()
    }
