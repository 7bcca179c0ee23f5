"""Usage in the catalogue's rarer units: an event's quantities in JSON in, exact numbers by usage key out."""

import json
from collections.abc import Iterator
from decimal import Decimal, DecimalException
from fractions import Fraction
from functools import lru_cache
from typing import Final

from stream_jobs.pricing.units import UNITS, UNITS_BY_PRICE_KEY

UNREADABLE: Final = "unreadable quantities"
"""Stands for quantities that cannot be read: used, and without a price, so that the event is never taken as
priced.
"""

_MAX_DIGITS: Final = 100


@lru_cache(maxsize=4096)
def read_quantities(text: str) -> tuple[tuple[str, Fraction], ...]:
    """Each quantity above zero under its usage key; a price key counts in what its price is for
    (audio_hours: hours).

    Quantities are disjoint like token buckets: a second of audio is either under audio_seconds or under one
    of its parts. Raises nothing: what cannot be read becomes UNREADABLE, units that do not exist stay as
    they are.
    """
    if not text:
        return ()
    totals: dict[str, Fraction] = {}
    try:
        for key, quantity in _numbers(text):
            totals[key] = totals.get(key, Fraction(0)) + quantity
    except (ValueError, TypeError, AttributeError, RecursionError, DecimalException):
        return ((UNREADABLE, Fraction(1)),)
    return tuple((key, quantity) for key, quantity in totals.items() if quantity)


def _numbers(text: str) -> Iterator[tuple[str, Fraction]]:
    for name, value in json.loads(text, parse_float=Decimal, parse_int=Decimal).items():
        number = Decimal(value)
        _, digits, exponent = number.as_tuple()
        if not isinstance(exponent, int) or number < 0 or len(digits) + abs(exponent) > _MAX_DIGITS:
            raise ValueError(f"{name} is {value}: not a quantity")
        unit = UNITS.get(name) or UNITS_BY_PRICE_KEY.get(name)
        if unit is None:
            yield name, Fraction(number)
        else:
            yield unit.usage_key, Fraction(number) * (1 if name == unit.usage_key else unit.per)
