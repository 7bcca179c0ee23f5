"""Decimal input of an event: JSON numbers and strings in, exact Decimals of bounded size out."""

import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

DECIMAL_PLACES: Final = 9
SIGNIFICANT_DIGITS: Final = 15

_DECIMAL: Final = re.compile(r"[0-9]{1,30}(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,3})?")
_FORM: Final = "must be a non-negative decimal number, as a JSON number or a string such as '0.25'"


def read_decimal(value: object) -> Decimal:
    """A non-negative number, rounded once, half to even, to 9 decimal places and 15 significant digits.

    The 15 digits make it survive every JSON reader that goes through doubles; a double is read as the
    shortest decimal that means it. Zeros at the end are dropped. Raises ValueError for anything else:
    negative numbers, NaN, infinity, booleans, other notations.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise ValueError(_FORM)
    text = value if isinstance(value, str) else str(value)
    if not _DECIMAL.fullmatch(text):
        raise ValueError(_FORM)
    number = Decimal(text)
    smallest_place = max(-DECIMAL_PLACES, number.adjusted() - SIGNIFICANT_DIGITS + 1)
    if not number:
        return Decimal(0)
    return Decimal(plain(number.quantize(Decimal(1).scaleb(smallest_place), ROUND_HALF_EVEN)))


def plain(number: Decimal) -> str:
    """The number without exponent and without zeros at the end: 1.50 is '1.5', 1E+3 is '1000'."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
