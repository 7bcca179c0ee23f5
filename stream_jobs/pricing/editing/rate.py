"""One price as people write it: `input_mtok=2.5`, above a context length `input_mtok@200000=5`, or only for what lies
above a quantity `input_mtok@+200000=5`.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.exact_number import exact_number, whole_number
from stream_jobs.pricing.price_row import MAX_TIER_START
from stream_jobs.pricing.units import UNITS_BY_PRICE_KEY

_WRITTEN: Final = re.compile(r"(?P<unit>[a-z0-9_]+)(@(?P<marginal>\+?)(?P<tier_start>[0-9]+))?=(?P<usd>.+)")


@dataclass(frozen=True, slots=True)
class Rate:
    """USD for as many of a unit as its price is for, exact.

    tier_start: for calls of more input tokens than this; a marginal one only for units of the call above it.
    """

    unit: str
    price_usd: Decimal
    tier_start: int = 0
    marginal: bool = False

    @property
    def per(self) -> int:
        """The number of units that the price is for."""
        return UNITS_BY_PRICE_KEY[self.unit].per


def read_rate(text: str) -> Rate:
    """The rate that is written. Raises PriceListRefused with what to write instead."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise PriceListRefused(
            f"{text!r} is no price: write UNIT=USD, for example input_mtok=2.5, input_mtok@200000=5 for whole calls of "
            "more input tokens, or input_mtok@+200000=5 only for what lies above"
        )
    unit = found["unit"]
    if unit not in UNITS_BY_PRICE_KEY:
        raise PriceListRefused(f"{text!r}: there is no unit {unit}; units are {', '.join(UNITS_BY_PRICE_KEY)}")
    price = exact_number(found["usd"])
    if price is None or not price.is_finite():
        raise PriceListRefused(f"{text!r}: {found['usd']!r} is no number; write USD like 2.5")
    tier_start = whole_number(found["tier_start"] or "0")
    if tier_start is None or tier_start > MAX_TIER_START:
        raise PriceListRefused(f"{text!r}: a tier starts at {MAX_TIER_START:,} or below")
    return Rate(unit, price, tier_start, bool(found["marginal"]))
