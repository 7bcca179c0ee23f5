"""Exact numbers as text: a fraction in, every digit of it out."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

DIGITS_MAX: Final = 100


def exact_text(number: Fraction) -> str:
    """A decimal without zeros at its end; the ratio itself where a decimal would not end within DIGITS_MAX places."""
    places = _places(number.denominator)
    if places is None:
        return f"{number.numerator}/{number.denominator}"
    digits = str(abs(number.numerator) * 10**places // number.denominator).rjust(places + 1, "0")
    whole, part = digits[: len(digits) - places], digits[len(digits) - places :].rstrip("0")
    return ("-" if number < 0 else "") + whole + ("." + part if part else "")


def usd_text(nano_usd: int) -> str:
    """Nano-USD as USD, nine places."""
    return f"{Decimal(nano_usd).scaleb(-9):.9f}"


def _places(denominator: int) -> int | None:
    """How many places the decimal has; None when it does not end soon."""
    twos, fives = 0, 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    places = max(twos, fives)
    return places if denominator == 1 and places <= DIGITS_MAX else None
