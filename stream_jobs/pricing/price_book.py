"""Prices whole frames of usage: token counts and one state of the prices in, integer nano-USD and a status
out.

The rules (rate_card has them in plain form):
- Each event is priced by its own time, at the sheet in force then for how it was served (service tier), at the
  context tier that its total input tokens exceed.
- A marginal price holds for what a call uses of a unit above a quantity.
- A bucket costs what the most specific priced unit containing it costs; one that nothing prices makes the
  cost partial.
- Prices, products and sums are exact integers (Int128, yocto-USD), rounded once per event, half to even.
- An unknown model costs 0 and is unpriced, or costs what the event says the provider reported. Nothing is
  guessed.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final, Self

import polars as pl

from stream_jobs.pricing.charged import Charged
from stream_jobs.pricing.cost_status import CostStatus, status_of
from stream_jobs.pricing.entries import Entries, OwnEntries, Tables
from stream_jobs.pricing.entry_index import EntryIndex
from stream_jobs.pricing.own_prices import by_organization, own_prices
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.rare_units import YOCTO_PER_NANO, adds_input_tokens, exact_charges
from stream_jobs.pricing.rate_table import RateTable
from stream_jobs.pricing.resolve import Resolution
from stream_jobs.pricing.rounding import rounded_half_even, rounded_ratio
from stream_jobs.pricing.shared_prices import SharedPrices
from tokentally.tokens import DIRECTIONS, TOKEN_BUCKETS

MAX_COST_NANO_USD: Final = 10**15
"""One million USD: no single call costs more. See `exceeds_cost_bound`."""

INPUT_BUCKETS: Final = tuple(name for name in TOKEN_BUCKETS if DIRECTIONS[name] == "input")


def exceeds_cost_bound(priced: pl.DataFrame) -> pl.Series:
    """Which rows of a priced frame cost more than MAX_COST_NANO_USD: absurd usage, to be rejected and not
    summed.

    Costs that do not fit 64 bits are the largest Int64 in the frame, so they are found too.
    """
    return (priced["cost_nano_usd"] > MAX_COST_NANO_USD).rename("exceeds_cost_bound")


class PriceBook:
    """One state of the prices, compiled. Nothing of it changes; it only remembers what it has looked up."""

    def __init__(self, revision: int, entries: Entries, own: Mapping[str, OwnEntries]) -> None:
        """own: by organization, of these entries. Made by the class methods, and by `changed` from another state."""
        self.revision: Final = revision
        self.shared: Final = entries.shared
        self._entries: Final = entries
        self._own: Final = own
        self._index: Final = EntryIndex(entries, own)

    @classmethod
    def compiled(cls, revision: int, shared: SharedPrices, own_rows: Iterable[PriceRow] = ()) -> Self:
        """The prices for everyone, and the rows of organizations that have some of their own.

        Raises PriceListRefused, naming the row, when a price, unit, window or matching rule cannot be right.
        """
        own = {name: own_prices(shared, rows) for name, rows in by_organization(own_rows).items()}
        entries = Entries(shared)
        return cls(revision, entries, entries.placed(own))

    @classmethod
    def from_rows(cls, rows: Iterable[PriceRow], *, revision: int) -> Self:
        """The book of all these rows, those for everyone and those of organizations. Raises PriceListRefused."""
        known = list(rows)
        shared = SharedPrices(revision, (row for row in known if not row.organization))
        return cls.compiled(revision, shared, (row for row in known if row.organization))

    def changed(self, revision: int, own_rows: Mapping[str, Sequence[PriceRow]]) -> "PriceBook":
        """Another state of the same prices for everyone, as if it was compiled from all its rows.

        own_rows: of the organizations whose rows are others; those with none have nothing of their own there. All else
        is shared with this state. Raises PriceListRefused.
        """
        news = {name: own_prices(self.shared, rows) for name, rows in own_rows.items() if rows}
        kept = dict(self._own)
        for name in own_rows:
            kept.pop(name, None)
        if self._entries.has_room(kept.values(), news.values()):
            return PriceBook(revision, self._entries, kept | self._entries.placed(news))
        entries = Entries(self.shared)
        return PriceBook(revision, entries, entries.placed({name: own.prices for name, own in kept.items()} | news))

    def resolve(self, organization: str, provider: str, model: str) -> Resolution | None:
        """Which entry prices this model for this organization, and why; None when nobody knows the model."""
        return self._index.resolve(organization, provider, model)

    def charged(self, call: pl.DataFrame) -> Charged:
        """How the cost of one call comes about: the columns that `price` needs in, in one row; exact charges out."""
        tables = self._entries.tables
        standard, present = self._index.locate(call)
        entry, present = self._in_service_tier(tables, call, standard, present)
        at = call.select(entry, pl.col("time").dt.epoch("ms").alias("time_ms"))
        found = at.select(tables.rates.sheet_of(pl.col("entry"), pl.col("time_ms"), present)).item()
        sheet = tables.rates.sheets[found]
        card, charges = exact_charges(sheet.cards, call.select(TOKEN_BUCKETS).row(0), call["quantities"].item())
        return Charged(tables.priced_as.gather(standard).item(), sheet, card, tuple(charges))

    def price(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame, rows in their order, with cost_nano_usd, cost_status, price_revision and priced_as.

        Raises nothing for what events may hold: what has no price costs 0 and says so. A cost that does not
        fit is the largest Int64; reject the rows that `exceeds_cost_bound` names before anything is summed.
        """
        tables = self._entries.tables
        rates = tables.rates
        entry, present = self._index.locate(frame)
        priced_as = tables.priced_as.gather(entry)
        entry, present = self._in_service_tier(tables, frame, entry, present)
        used = [name for name, most in frame.select(pl.col(TOKEN_BUCKETS).max()).row(0, named=True).items() if most]
        located = frame.select(*used, entry, pl.col("time").dt.epoch("ms").alias("time_ms"))
        located = located.with_columns(sheet=rates.sheet_of(pl.col("entry"), pl.col("time_ms"), present))
        input_tokens = pl.sum_horizontal([pl.col(name) for name in used if name in INPUT_BUCKETS] or [pl.lit(0)])
        located = located.with_columns(card=rates.card_of(pl.col("sheet"), input_tokens, present))
        amounts = rates.amounts(located, used)
        costs = amounts.select(
            rounded_half_even(pl.col("yocto_usd"), YOCTO_PER_NANO).alias("cost_nano_usd"),
            pl.when("misses_a_price").then("status_when_missing").otherwise("status").alias("cost_status"),
        )
        costs = _with_quantities(tables, costs, frame, located, amounts)
        costs = costs.with_columns(
            pl.lit(self.revision, dtype=pl.UInt32).alias("price_revision"),
            priced_as.alias("priced_as"),
        )
        return frame.with_columns(_with_reported(costs, frame["reported_cost_nano_usd"]))

    def _in_service_tier(
        self, tables: Tables, frame: pl.DataFrame, entry: pl.Series, present: pl.Series
    ) -> tuple[pl.Series, pl.Series]:
        """Entries of the tier that each call was served in; most frames hold standard calls alone."""
        rows = (frame["service_tier"] != "").arg_true()
        if rows.is_empty():
            return entry, present
        special = frame.select("organization", "provider", "model", "service_tier")[rows]
        standard = entry.gather(rows)
        own = tables.service_tiers.entry_of(standard, special["service_tier"])
        # `scatter` changes the series that it is called on.
        entry = entry.clone().scatter(rows, standard.zip_with(self._index.is_sold_by_another(special), own))
        return entry, entry.unique()


def _with_quantities(
    tables: Tables, costs: pl.DataFrame, frame: pl.DataFrame, located: pl.DataFrame, amounts: pl.DataFrame
) -> pl.DataFrame:
    """Costs with what rarer units add, row by row in exact Python numbers; most frames have no such rows."""
    rows = (frame["quantities"] != "").arg_true()
    if rows.is_empty():
        return costs
    rates = tables.rates
    cost_nano_usd, status = costs["cost_nano_usd"], costs["cost_status"]
    used = frame.select("quantities", *TOKEN_BUCKETS)[rows].iter_rows()
    on = zip(located["sheet"].gather(rows), located["card"].gather(rows), strict=True)
    tokens_cost = amounts.select("yocto_usd", "misses_a_price")[rows].iter_rows()
    priced: list[tuple[int, CostStatus]] = []
    for (quantities, *tokens), (sheet, card), (yocto_usd, misses) in zip(used, on, tokens_cost, strict=True):
        if adds_input_tokens(quantities) or rates.cards[card].marginal:
            priced.append(_in_a_tier_of_its_own(rates, sheet, tokens, quantities))
        else:
            extra = tables.rare_units.extra(card, quantities)
            cost = extra.added_to(yocto_usd)
            word = status_of(rates.cards[card], all_usage_has_a_price=extra.has_a_price and not misses)
            priced.append((cost, word))
    cost_nano_usd.scatter(rows, pl.Series([cost for cost, _ in priced], dtype=pl.Int64))
    status.scatter(rows, pl.Series([word for _, word in priced], dtype=pl.String))
    return pl.DataFrame([cost_nano_usd, status])


def _in_a_tier_of_its_own(rates: RateTable, sheet: int, tokens: list[int], quantities: str) -> tuple[int, CostStatus]:
    card, charges = exact_charges(rates.sheets[sheet].cards, tokens, quantities)
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
