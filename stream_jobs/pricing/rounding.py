"""Rounding money once, half to even: exact sums in fine units in, whole nano-USD out."""

from typing import Final

import polars as pl

MAX_INT64: Final = 2**63 - 1


def rounded_half_even(exact: pl.Expr, divisor: int) -> pl.Expr:
    """`exact / divisor` of a non-negative Int128, rounded half to even; Int64, the largest one when it does
    not fit.

    `divisor` is even, so that a half is a whole number.
    """
    whole = exact // _int128(divisor)
    rest = exact - whole * _int128(divisor)
    half = _int128(divisor // 2)
    odd = (whole % _int128(2)) == _int128(1)
    up = (rest > half) | ((rest == half) & odd)
    return (whole + up.cast(pl.Int128)).cast(pl.Int64, strict=False).fill_null(MAX_INT64)


def rounded_ratio(numerator: int, denominator: int) -> int:
    """The whole number nearest to a ratio >= 0, half to even, and the largest Int64 when it does not fit."""
    whole, rest = divmod(numerator, denominator)
    up = 2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1)
    return min(whole + up, MAX_INT64)


def _int128(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.Int128)
