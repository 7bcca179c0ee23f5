"""Counts the credits of whole frames: multipliers, usage, cost and terms in, integer micro-credits out.

Everything is exact in 128-bit integers; `Terms.credits_micro` has the same rules in plain form.
"""

from typing import Final

import polars as pl

from stream_jobs.credits.terms import MICRO_PER_CREDIT, PLACES, Terms
from stream_jobs.credits.terms_table import LocatedTerms
from stream_jobs.pricing.rounding import MAX_INT64, rounded_half_even

MAX_CREDITS_MICRO: Final = 10**15
"""A billion credits: no single call counts more. See `exceeds_credits_bound`."""
MICRO_PER_MILLI: Final = 1000

_ONE: Final = 10**PLACES
_NANO_PER_MICRO: Final = 1000
_NANO_PER_CREDIT: Final = _NANO_PER_MICRO * MICRO_PER_CREDIT


def credits_micro(events: pl.DataFrame, terms: LocatedTerms) -> pl.Series:
    """Micro-credits of each event (Int64); the largest Int64 where they do not fit.

    events: `milli`, the multiplier in thousandths; `used`, 1 when it used something, else 0; `tokens`, all of them;
    `cost_nano_usd`; all Int64.
    """
    ways = sorted({(each.basis, each.rounding) for each in terms.present})
    amount = _amount(*ways[0], terms)
    if len(ways) > 1:
        way = terms.each(lambda each: ways.index((each.basis, each.rounding)), pl.Int32)
        for number, (basis, rounding) in enumerate(ways[1:], start=1):
            amount = pl.when(way == number).then(_amount(basis, rounding, terms)).otherwise(amount)
    return events.select(amount.alias("credits_micro")).to_series()


def exceeds_credits_bound(frame: pl.DataFrame) -> pl.Series:
    """Which rows count more than MAX_CREDITS_MICRO: absurd usage, to be rejected and not summed."""
    return (frame["credits_micro"] > MAX_CREDITS_MICRO).rename("exceeds_credits_bound")


def _amount(basis: str, rounding: str, terms: LocatedTerms) -> pl.Expr:
    if basis == "cost":
        return _of_cost(rounding, terms)
    milli = pl.col("milli")
    if basis == "request":
        micro = milli * MICRO_PER_MILLI * pl.col("used")
        return micro if rounding == "exact" else _int64(_up(micro.cast(pl.Int128), MICRO_PER_CREDIT))
    # Thousandths of a credit per 1,000 tokens are micro-credits per token.
    micro = milli.cast(pl.Int128) * pl.col("tokens").cast(pl.Int128)
    return _int64(micro if rounding == "exact" else _up(micro, MICRO_PER_CREDIT))


def _of_cost(rounding: str, terms: LocatedTerms) -> pl.Expr:
    """cost x credits per USD. The rate's whole part and its fraction are multiplied apart, which fits 128 bits."""
    cost_nano_usd = pl.col("cost_nano_usd").cast(pl.Int128)
    nano = cost_nano_usd * terms.each(_whole, pl.Int64).cast(pl.Int128)
    fraction = cost_nano_usd * terms.each(_fraction, pl.Int64).cast(pl.Int128)
    if rounding == "up":
        whole, rest = nano // _int128(_NANO_PER_CREDIT), nano % _int128(_NANO_PER_CREDIT)
        more = _ceiling(rest * _int128(_ONE) + fraction, _NANO_PER_CREDIT * _ONE)
        return _int64((whole + more) * _int128(MICRO_PER_CREDIT))
    # An even number of micro-credits is set aside: it does not change to which side a half is rounded.
    two = _int128(2 * _NANO_PER_MICRO)
    pairs, rest = nano // two, nano % two
    rounded = rounded_half_even(rest * _int128(_ONE) + fraction, _NANO_PER_MICRO * _ONE)
    return _int64(pairs * _int128(2) + rounded.cast(pl.Int128))


def _up(amount: pl.Expr, unit: int) -> pl.Expr:
    """The next multiple of `unit`."""
    return _ceiling(amount, unit) * _int128(unit)


def _ceiling(amount: pl.Expr, divisor: int) -> pl.Expr:
    return (amount + _int128(divisor - 1)) // _int128(divisor)


def _whole(terms: Terms) -> int:
    return int(terms.credits_per_usd)


def _fraction(terms: Terms) -> int:
    """Digits after the point, in units of 10**-18."""
    return int((terms.credits_per_usd - int(terms.credits_per_usd)).scaleb(PLACES))


def _int64(amount: pl.Expr) -> pl.Expr:
    return amount.cast(pl.Int64, strict=False).fill_null(MAX_INT64)


def _int128(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.Int128)
