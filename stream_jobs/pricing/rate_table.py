"""All sheets and cards of a price list as columns: entry, time and context length of each call in, its card
out.

Amounts are integers in yocto-USD (1e-24 USD): a price of 18 places for a million tokens is a whole number
of them per token, and 14 buckets of 10^12 tokens at the highest price allowed stay below 2^127.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from stream_jobs.pricing.cost_status import status_of
from stream_jobs.pricing.rate_card import RateCard
from stream_jobs.pricing.sheet import DAY_MS, Sheet
from stream_jobs.pricing.units import BUCKET_UNITS, REQUESTS, UNITS, Unit
from tokentally.tokens import TOKEN_BUCKETS

_UNREACHED: Final = 2**62
_NO_SHEET: Final = 0


@dataclass(frozen=True, slots=True)
class CardColumns:
    """What each card charges: one row per card, the cards of a sheet one after another by tier."""

    bucket_yocto_usd: tuple[pl.Series, ...]
    """Per token bucket: Int128, the price of one token; 0 where there is none."""
    bucket_missing: tuple[pl.Series, ...]
    """Per token bucket: Boolean, true where nothing says what its tokens cost."""
    request_yocto_usd: pl.Series
    status: pl.Series
    status_when_missing: pl.Series


def card_columns(cards: Sequence[RateCard]) -> CardColumns:
    """The cards by column, in their order."""
    rates = [[_yocto_usd(card, unit) for unit in BUCKET_UNITS] for card in cards]
    by_bucket = list(zip(*rates, strict=True))
    may_miss = [card.known in ("rates", "no model") for card in cards]
    return CardColumns(
        bucket_yocto_usd=tuple(_int128([rate or 0 for rate in column]) for column in by_bucket),
        bucket_missing=tuple(
            pl.Series([rate is None and may for rate, may in zip(column, may_miss, strict=True)], dtype=pl.Boolean)
            for column in by_bucket
        ),
        request_yocto_usd=_int128([_yocto_usd(card, UNITS[REQUESTS]) or 0 for card in cards]),
        status=pl.Series([status_of(card, all_usage_has_a_price=True) for card in cards], dtype=pl.String),
        status_when_missing=pl.Series(
            [status_of(card, all_usage_has_a_price=False) for card in cards], dtype=pl.String
        ),
    )


class RateTable:
    """The sheets of every entry, laid out in layers: layer 0 of all entries, then layer 1 of those that
    have one …

    An entry without a sheet active at a call's time leads to sheet 0, which has no price.
    """

    def __init__(self, entries: Sequence[Sequence[Sheet]], no_sheet: Sheet) -> None:
        self.sheets: Final = [no_sheet, *(sheet for sheets in entries for sheet in sheets)]
        self.cards: Final = [card for sheet in self.sheets for card in sheet.cards]
        self.columns: Final = card_columns(self.cards)
        self.layer_count: Final = pl.Series([len(sheets) for sheets in entries], dtype=pl.UInt32)
        self._is_dated: Final = pl.Series([_is_dated(sheets) for sheets in entries], dtype=pl.Boolean)
        self._is_tiered: Final = pl.Series([any(len(s.cards) > 1 for s in e) for e in entries], dtype=pl.Boolean)
        self._layers: Final = _layers(entries)
        self._first_card, self._tier_starts = _tiers(self.sheets)

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
            for starts in self._tier_starts:
                card = card + (input_tokens > pl.lit(starts).gather(sheet)).cast(pl.UInt32)
        return card

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


def _layers(entries: Sequence[Sequence[Sheet]]) -> list[_Layer]:
    depth = max((len(sheets) for sheets in entries), default=0)
    layers: list[_Layer] = []
    for level in range(max(depth, 1)):
        rows: list[tuple[int, int, int, int]] = []
        first_sheet = _NO_SHEET + 1
        for sheets in entries:
            if level < len(sheets):
                sheet = sheets[level]
                rows.append((first_sheet + level, sheet.from_ms, sheet.daily_from_ms, sheet.daily_length_ms))
            else:
                rows.append((_NO_SHEET, _UNREACHED, 0, DAY_MS))
            first_sheet += len(sheets)
        index, *times = zip(*rows, strict=True) if rows else ((), (), (), ())
        layers.append(_Layer(pl.Series(index, dtype=pl.UInt32), *(pl.Series(t, dtype=pl.Int64) for t in times)))
    return layers


def _tiers(sheets: Sequence[Sheet]) -> tuple[pl.Series, list[pl.Series]]:
    first_cards: list[int] = []
    count = 0
    for sheet in sheets:
        first_cards.append(count)
        count += len(sheet.cards)
    depth = max(len(sheet.cards) for sheet in sheets)
    starts = [
        pl.Series([s.cards[n].tier_start if n < len(s.cards) else _UNREACHED for s in sheets], dtype=pl.Int64)
        for n in range(1, depth)
    ]
    return pl.Series(first_cards, dtype=pl.UInt32), starts


def _is_dated(sheets: Sequence[Sheet]) -> bool:
    return len(sheets) != 1 or sheets[0].from_ms > 0 or sheets[0].daily_length_ms != DAY_MS


def _yocto_usd(card: RateCard, unit: Unit) -> int | None:
    """The price of one of `unit`, a whole number since every such price is for a divisor of 10^6."""
    rate = card.rate(unit)
    if rate is None:
        return 0 if card.known in ("free", "unknown") else None
    _, price_usd, per = rate
    return int(price_usd.scaleb(18)) * (10**6 // per)


def _int128(values: Sequence[int]) -> pl.Series:
    return pl.Series(values, dtype=pl.Int128)


def _max(counts: pl.Series) -> int:
    return max(counts.to_list(), default=0)
