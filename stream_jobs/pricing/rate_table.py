"""All sheets and cards of a price list as columns: entry, time and context length of each call in, its card
out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Self

import polars as pl

from stream_jobs.pricing.card_columns import CardColumns, StepColumns, card_columns
from stream_jobs.pricing.levels import UNREACHED, joined, joined_levels, repeated
from stream_jobs.pricing.rate_card import RateCard
from stream_jobs.pricing.sheet import DAY_MS, Sheet
from tokentally.tokens import TOKEN_BUCKETS

_NO_SHEET: Final = 0


@dataclass(frozen=True, slots=True)
class RateTable:
    """The sheets of every entry, laid out in layers: layer 0 of all entries, then layer 1 of those that
    have one …

    An entry without a sheet active at a call's time leads to sheet 0, which has no price.
    """

    sheets: Sequence[Sheet]
    cards: Sequence[RateCard]
    columns: CardColumns
    layer_count: pl.Series
    _is_dated: pl.Series
    _is_tiered: pl.Series
    _is_marginal: pl.Series
    _layers: tuple["_Layer", ...]
    _first_card: pl.Series
    _tiers: tuple["_Tier", ...]

    @classmethod
    def of(cls, entries: Sequence[Sequence[Sheet]], no_sheet: Sheet) -> Self:
        """The table of these entries' sheets; no_sheet: where none is active."""
        return cls._part(entries, [no_sheet], 0, 0)

    @classmethod
    def _part(
        cls, entries: Sequence[Sequence[Sheet]], before: Sequence[Sheet], first_sheet: int, first_card: int
    ) -> Self:
        """Of sheets and cards whose numbers begin there; before: sheets that no entry has."""
        sheets = [*before, *(sheet for sheets in entries for sheet in sheets)]
        cards = [card for sheet in sheets for card in sheet.cards]
        return cls(
            sheets,
            cards,
            card_columns(cards),
            pl.Series([len(sheets) for sheets in entries], dtype=pl.UInt32),
            pl.Series([_is_dated(sheets) for sheets in entries], dtype=pl.Boolean),
            pl.Series([any(len(s.cards) > 1 for s in e) for e in entries], dtype=pl.Boolean),
            pl.Series([bool(card.marginal) for card in cards], dtype=pl.Boolean),
            _layers(entries, first_sheet + len(before)),
            _first_cards(sheets, first_card),
            _tiers(sheets),
        )

    def extended(self, entries: Sequence[Sequence[Sheet]]) -> "RateTable":
        """With further entries behind these, whose numbers and whose sheets' and cards' numbers stay."""
        further = self._part(entries, [], len(self.sheets), len(self.cards))
        entry_counts = (len(self.layer_count), len(entries))
        sheet_counts = (len(self.sheets), len(further.sheets))
        return RateTable(
            [*self.sheets, *further.sheets],
            [*self.cards, *further.cards],
            self.columns.joined(further.columns),
            joined(self.layer_count, further.layer_count),
            joined(self._is_dated, further._is_dated),
            joined(self._is_tiered, further._is_tiered),
            joined(self._is_marginal, further._is_marginal),
            joined_levels(_Layer, self._layers, further._layers, entry_counts),
            joined(self._first_card, further._first_card),
            joined_levels(_Tier, self._tiers, further._tiers, sheet_counts),
        )

    def sheet_of(self, entry: pl.Expr, time_ms: pl.Expr, present: pl.Series) -> pl.Expr:
        """Index of the sheet that holds for each call; `present` are the entries that occur."""
        layers = self._layers[: max(1, _max(self.layer_count.gather(present)))]
        if not self._is_dated.gather(present).any():
            return pl.lit(layers[0].sheet).gather(entry)
        chosen = pl.lit(_NO_SHEET, dtype=pl.UInt32)
        for layer in layers:
            started = pl.lit(layer.from_ms).gather(entry) <= time_ms
            into_window = (time_ms - pl.lit(layer.daily_from_ms).gather(entry)) % DAY_MS
            inside = into_window < pl.lit(layer.daily_length_ms).gather(entry)
            chosen = pl.when(started & inside).then(pl.lit(layer.sheet).gather(entry)).otherwise(chosen)
        return chosen

    def card_of(self, sheet: pl.Expr, input_tokens: pl.Expr, present: pl.Series) -> pl.Expr:
        """Index of the card: the highest tier that the call's total input tokens exceed."""
        card = pl.lit(self._first_card).gather(sheet)
        if self._is_tiered.gather(present).any():
            for tier in self._tiers:
                card = card + (input_tokens > pl.lit(tier.start).gather(sheet)).cast(pl.UInt32)
        return card

    def _steps_of(self, located: pl.DataFrame, used: Sequence[str]) -> tuple[StepColumns, ...]:
        """The marginal steps to look at: none for most frames."""
        steps = self.columns.steps
        return steps if steps and used and self._is_marginal.gather(located["card"]).any() else ()

    def amounts(self, located: pl.DataFrame, used: Sequence[str]) -> pl.DataFrame:
        """What the tokens and the request of each call cost: yocto_usd (Int128), misses_a_price, and both statuses.

        `located` holds each call's card and the buckets that were `used` at all.
        """
        card = pl.col("card")
        columns = self.columns
        yocto_usd = pl.lit(columns.request_yocto_usd).gather(card)
        missing = pl.lit(False)
        for name in used:
            bucket = TOKEN_BUCKETS.index(name)
            price = pl.lit(columns.bucket_yocto_usd[bucket]).gather(card)
            yocto_usd = yocto_usd + price * pl.col(name).cast(pl.Int128)
            missing = missing | (pl.lit(columns.bucket_missing[bucket]).gather(card) & (pl.col(name) > 0))
        for step in self._steps_of(located, used):
            counts = zip(used, (step.counts_bucket[TOKEN_BUCKETS.index(name)] for name in used), strict=True)
            counted = [pl.col(name) * pl.lit(is_counted).gather(card).cast(pl.Int64) for name, is_counted in counts]
            above = (pl.sum_horizontal(counted) - pl.lit(step.start).gather(card)).clip(0)
            yocto_usd = yocto_usd + pl.lit(step.yocto_usd).gather(card) * above.cast(pl.Int128)
        return located.select(
            yocto_usd.alias("yocto_usd"),
            missing.alias("misses_a_price"),
            pl.lit(columns.status).gather(card).alias("status"),
            pl.lit(columns.status_when_missing).gather(card).alias("status_when_missing"),
        )


@dataclass(frozen=True, slots=True)
class _Layer:
    sheet: pl.Series
    from_ms: pl.Series
    daily_from_ms: pl.Series
    daily_length_ms: pl.Series

    @classmethod
    def none(cls, entries: int) -> "_Layer":
        """Of entries that have no such sheet."""
        times = (repeated(value, entries, pl.Int64) for value in _NO_LAYER[1:])
        return cls(repeated(_NO_SHEET, entries, pl.UInt32), *times)

    def joined(self, further: "_Layer") -> "_Layer":
        return _Layer(
            joined(self.sheet, further.sheet),
            joined(self.from_ms, further.from_ms),
            joined(self.daily_from_ms, further.daily_from_ms),
            joined(self.daily_length_ms, further.daily_length_ms),
        )


_NO_LAYER: Final = (_NO_SHEET, UNREACHED, 0, DAY_MS)


@dataclass(frozen=True, slots=True)
class _Tier:
    """Where the cards of one tier begin, by sheet."""

    start: pl.Series

    @classmethod
    def none(cls, sheets: int) -> "_Tier":
        """Of sheets that have no such tier."""
        return cls(repeated(UNREACHED, sheets, pl.Int64))

    def joined(self, further: "_Tier") -> "_Tier":
        return _Tier(joined(self.start, further.start))


def _layers(entries: Sequence[Sequence[Sheet]], first_sheet: int) -> tuple[_Layer, ...]:
    depth = max((len(sheets) for sheets in entries), default=0)
    starts = list(accumulate((len(sheets) for sheets in entries), initial=first_sheet))
    layers: list[_Layer] = []
    for level in range(max(depth, 1)):
        rows: list[tuple[int, int, int, int]] = []
        for sheets, start in zip(entries, starts, strict=False):
            if level < len(sheets):
                sheet = sheets[level]
                rows.append((start + level, sheet.from_ms, sheet.daily_from_ms, sheet.daily_length_ms))
            else:
                rows.append(_NO_LAYER)
        index, *times = zip(*rows, strict=True) if rows else ((), (), (), ())
        layers.append(_Layer(pl.Series(index, dtype=pl.UInt32), *(pl.Series(t, dtype=pl.Int64) for t in times)))
    return tuple(layers)


def _first_cards(sheets: Sequence[Sheet], first_card: int) -> pl.Series:
    """The base card of each sheet."""
    counts = (len(sheet.cards) for sheet in sheets)
    return pl.Series(list(accumulate(counts, initial=first_card))[:-1], dtype=pl.UInt32)


def _tiers(sheets: Sequence[Sheet]) -> tuple[_Tier, ...]:
    """The second cards, the third …"""
    depth = max((len(sheet.cards) for sheet in sheets), default=1)
    return tuple(
        _Tier(pl.Series([s.cards[n].tier_start if n < len(s.cards) else UNREACHED for s in sheets], dtype=pl.Int64))
        for n in range(1, depth)
    )


def _is_dated(sheets: Sequence[Sheet]) -> bool:
    return len(sheets) != 1 or sheets[0].from_ms > 0 or sheets[0].daily_length_ms != DAY_MS


def _max(counts: pl.Series) -> int:
    return max(counts.to_list(), default=0)
