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
from stream_jobs.pricing.entry_index import EntryIndex, priced_as
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.rare_units import YOCTO_PER_NANO, RareUnits, adds_input_tokens, exact_charges
from stream_jobs.pricing.rate_card import RateCard
from stream_jobs.pricing.rate_table import RateTable
from stream_jobs.pricing.resolve import Resolution
from stream_jobs.pricing.rounding import rounded_half_even, rounded_ratio
from stream_jobs.pricing.sheet import DAY_MS, Sheet, sheets
from tokentally.tokens import DIRECTIONS, TOKEN_BUCKETS

MAX_COST_NANO_USD: Final = 10**15
"""One million USD: no single call costs more. See `exceeds_cost_bound`."""

INPUT_BUCKETS: Final = tuple(name for name in TOKEN_BUCKETS if DIRECTIONS[name] == "input")

_UNKNOWN: Final = Sheet(0, 0, DAY_MS, (RateCard(0, "unknown", {}),))
_NO_MODEL: Final = Sheet(0, 0, DAY_MS, (RateCard(0, "no model", {}),))


def exceeds_cost_bound(priced: pl.DataFrame) -> pl.Series:
    """Which rows of a priced frame cost more than MAX_COST_NANO_USD: absurd usage, to be rejected and not
    summed.

    Costs that do not fit 64 bits are the largest Int64 in the frame, so they are found too.
    """
    return (priced["cost_nano_usd"] > MAX_COST_NANO_USD).rename("exceeds_cost_bound")


class PriceBook:
    """One revision of prices, compiled. Nothing of it changes; it only remembers what it has looked up."""

    def __init__(self, revision: int, rows: Iterable[PriceRow]) -> None:
        """Raises PriceListRefused, naming the row, when a price, unit, window or matching rule cannot be right."""
        ordered = sorted(rows, key=lambda row: row.position)
        self.revision: Final = revision
        self._index: Final = EntryIndex(ordered)
        self._priced_as: Final = priced_as(self._index.keys)
        by_entry = _sheets_by_entry(ordered)
        entries = [by_entry[key] for key in self._index.keys]
        self._table: Final = RateTable([(_UNKNOWN,), (_NO_MODEL,), *entries], no_sheet=_UNKNOWN)
        self._rare_units: Final = RareUnits(self._table.cards)

    @classmethod
    def from_rows(cls, rows: Iterable[PriceRow], *, revision: int) -> Self:
        """The book of one whole revision. Raises PriceListRefused when a row cannot be right."""
        return cls(revision, rows)

    def resolve(self, organization: str, provider: str, model: str) -> Resolution | None:
        """Which entry prices this model for this organization, and why; None when nobody knows the model."""
        return self._index.resolve(organization, provider, model)

    def price(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame, rows in their order, with cost_nano_usd, cost_status, price_revision and priced_as.

        Raises nothing for what events may hold: what has no price costs 0 and says so. A cost that does not
        fit is the largest Int64; reject the rows that `exceeds_cost_bound` names before anything is summed.
        """
        entry, present = self._index.locate(frame)
        used = [name for name, most in frame.select(pl.col(TOKEN_BUCKETS).max()).row(0, named=True).items() if most]
        located = frame.select(*used, entry, pl.col("time").dt.epoch("ms").alias("time_ms"))
        located = located.with_columns(sheet=self._table.sheet_of(pl.col("entry"), pl.col("time_ms"), present))
        input_tokens = pl.sum_horizontal([pl.col(name) for name in used if name in INPUT_BUCKETS] or [pl.lit(0)])
        located = located.with_columns(card=self._table.card_of(pl.col("sheet"), input_tokens, present))
        amounts = self._table.amounts(located, used)
        costs = amounts.select(
            rounded_half_even(pl.col("yocto_usd"), YOCTO_PER_NANO).alias("cost_nano_usd"),
            pl.when("misses_a_price").then("status_when_missing").otherwise("status").alias("cost_status"),
        )
        costs = self._with_quantities(costs, frame, located, amounts)
        costs = costs.with_columns(
            pl.lit(self.revision, dtype=pl.UInt32).alias("price_revision"),
            self._priced_as.gather(entry).alias("priced_as"),
        )
        return frame.with_columns(_with_reported(costs, frame["reported_cost_nano_usd"]))

    def _with_quantities(
        self, costs: pl.DataFrame, frame: pl.DataFrame, located: pl.DataFrame, amounts: pl.DataFrame
    ) -> pl.DataFrame:
        """Costs with what rarer units add, row by row in exact Python numbers; most frames have no such rows."""
        rows = (frame["quantities"] != "").arg_true()
        if rows.is_empty():
            return costs
        cost_nano_usd, status = costs["cost_nano_usd"], costs["cost_status"]
        used = frame.select("quantities", *TOKEN_BUCKETS)[rows].iter_rows()
        on = zip(located["sheet"].gather(rows), located["card"].gather(rows), strict=True)
        tokens_cost = amounts.select("yocto_usd", "misses_a_price")[rows].iter_rows()
        priced: list[tuple[int, CostStatus]] = []
        for (quantities, *tokens), (sheet, card), (yocto_usd, misses) in zip(used, on, tokens_cost, strict=True):
            if adds_input_tokens(quantities):
                priced.append(self._in_a_tier_of_its_own(sheet, tokens, quantities))
            else:
                extra = self._rare_units.extra(card, quantities)
                cost = extra.added_to(yocto_usd)
                word = status_of(self._table.cards[card], all_usage_has_a_price=extra.has_a_price and not misses)
                priced.append((cost, word))
        cost_nano_usd.scatter(rows, pl.Series([cost for cost, _ in priced], dtype=pl.Int64))
        status.scatter(rows, pl.Series([word for _, word in priced], dtype=pl.String))
        return pl.DataFrame([cost_nano_usd, status])

    def _in_a_tier_of_its_own(self, sheet: int, tokens: list[int], quantities: str) -> tuple[int, CostStatus]:
        card, charges = exact_charges(self._table.sheets[sheet].cards, tokens, quantities)
        nano_usd = sum((charge.nano_usd for charge in charges), Fraction(0))
        priced = all(charge.priced_unit for charge in charges)
        return rounded_ratio(*nano_usd.as_integer_ratio()), status_of(card, all_usage_has_a_price=priced)


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
        grouped.setdefault((row.organization, row.provider, row.model), []).append(row)
    return {key: sheets(group) for key, group in grouped.items() if key[2]}
