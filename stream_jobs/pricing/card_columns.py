"""What rate cards charge, by column: cards in, one row for each out.

Amounts are integers in yocto-USD (1e-24 USD): a price of 18 places for a million tokens is a whole number
of them per token, and 14 buckets of 10^12 tokens at the highest price allowed stay below 2^127.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

import polars as pl

from stream_jobs.pricing.cost_status import status_of
from stream_jobs.pricing.levels import UNREACHED, joined, joined_levels, repeated
from stream_jobs.pricing.rate_card import RateCard
from stream_jobs.pricing.units import BUCKET_UNITS, REQUESTS, UNITS, Unit


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
    steps: tuple["StepColumns", ...]
    """The first marginal step of every card, then the second …"""

    def joined(self, further: "CardColumns") -> "CardColumns":
        """These cards, then the further ones."""
        sizes = (len(self.status), len(further.status))
        return CardColumns(
            bucket_yocto_usd=tuple(map(joined, self.bucket_yocto_usd, further.bucket_yocto_usd)),
            bucket_missing=tuple(map(joined, self.bucket_missing, further.bucket_missing)),
            request_yocto_usd=joined(self.request_yocto_usd, further.request_yocto_usd),
            status=joined(self.status, further.status),
            status_when_missing=joined(self.status_when_missing, further.status_when_missing),
            steps=joined_levels(StepColumns, self.steps, further.steps, sizes),
        )


@dataclass(frozen=True, slots=True)
class StepColumns:
    """One marginal step of each card: what a token above `start` costs more, or less, than one below."""

    start: pl.Series
    yocto_usd: pl.Series
    counts_bucket: tuple[pl.Series, ...]
    """Per token bucket: Boolean, true where its tokens are charged as the step's unit."""

    @classmethod
    def none(cls, cards: int) -> "StepColumns":
        """Of cards that have no such step."""
        counts_bucket = tuple(repeated(False, cards, pl.Boolean) for _ in BUCKET_UNITS)
        return cls(repeated(UNREACHED, cards, pl.Int64), repeated(0, cards, pl.Int128), counts_bucket)

    def joined(self, further: "StepColumns") -> "StepColumns":
        """Of these cards, then of the further ones."""
        counts_bucket = tuple(map(joined, self.counts_bucket, further.counts_bucket))
        return StepColumns(joined(self.start, further.start), joined(self.yocto_usd, further.yocto_usd), counts_bucket)


def card_columns(cards: Sequence[RateCard]) -> CardColumns:
    """The cards by column, in their order."""
    by_bucket = [[_yocto_usd(card, unit) for card in cards] for unit in BUCKET_UNITS]
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
        steps=_step_columns(cards),
    )


def _step_columns(cards: Sequence[RateCard]) -> tuple[StepColumns, ...]:
    by_card = [list(_steps(card)) for card in cards]
    none: _Step = (UNREACHED, 0, (False,) * len(BUCKET_UNITS))
    columns: list[StepColumns] = []
    for level in range(max(map(len, by_card), default=0)):
        starts, extras, buckets = zip(*(steps[level] if level < len(steps) else none for steps in by_card), strict=True)
        counts_bucket = tuple(pl.Series(column, dtype=pl.Boolean) for column in zip(*buckets, strict=True))
        columns.append(StepColumns(pl.Series(starts, dtype=pl.Int64), _int128(extras), counts_bucket))
    return tuple(columns)


_Step: TypeAlias = tuple[int, int, tuple[bool, ...]]


def _steps(card: RateCard) -> Iterator[_Step]:
    for unit, steps in card.marginal.items():
        price_usd, per = card.rates[unit]
        charged_as = [card.rate(bucket) for bucket in BUCKET_UNITS]
        counts_bucket = tuple(rate is not None and rate[0] == unit for rate in charged_as)
        if not any(counts_bucket):
            continue
        for start, above_usd in steps:
            yield start, _yocto_of(above_usd, per) - _yocto_of(price_usd, per), counts_bucket
            price_usd = above_usd


def _yocto_usd(card: RateCard, unit: Unit) -> int | None:
    """The price of one of `unit`, a whole number since every such price is for a divisor of 10^6."""
    rate = card.rate(unit)
    if rate is None:
        return 0 if card.known in ("free", "unknown") else None
    _, price_usd, per = rate
    return _yocto_of(price_usd, per)


def _yocto_of(price_usd: Decimal, per: int) -> int:
    return int(price_usd.scaleb(18)) * (10**6 // per)


def _int128(values: Sequence[int]) -> pl.Series:
    return pl.Series(values, dtype=pl.Int128)
