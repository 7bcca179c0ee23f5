"""LiteLLM's `tiered_pricing`: a list of context ranges with their prices in, prices by the start of their tier out.

The maker of these models bills a whole call at the price of the range its input falls in, which is how they are taken.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from stream_jobs.pricing.exact_number import exact_number, whole_number
from stream_jobs.pricing.imports.litellm_fields import field_price
from stream_jobs.pricing.imports.price_list import Reading


def tiered_prices(tiers: object, place: str, reading: Reading) -> Iterator[tuple[str, Decimal, int]]:
    """Unit, price and tier start of each price; ranges must start at 0 and follow each other without gap or overlap."""
    if tiers is None:
        return
    if not isinstance(tiers, list):
        reading.refuse(f"{place}.tiered_pricing", "it is no list of ranges")
        return
    reached = 0
    for index, tier in enumerate(tiers):
        where = f"{place}.tiered_pricing[{index}]"
        if isinstance(tier, Mapping) and "range" not in tier:
            reading.leave_out("tiers by something else than context length", where)
            continue
        bounds = _range(tier)
        if bounds is None:
            reading.refuse(f"{where}.range", "it is no range of tokens; write [start, end], the start below the end")
            return
        start, end = bounds
        if start != reached:
            what = "a gap: no price holds" if start > reached else "an overlap: two prices hold"
            low, high = sorted((start, reached))
            reading.refuse(f"{where}.range", f"{what} from {low:,} to {high:,} tokens; let it start at {reached:,}")
        reached = end
        yield from _prices(tier, where, start, reading)


def _prices(tier: Mapping[str, object], place: str, start: int, reading: Reading) -> Iterator[tuple[str, Decimal, int]]:
    for field, value in tier.items():
        if field == "range" or value is None:
            continue
        found = field_price(field, value, f"{place}.{field}", reading)
        if found is None:
            reading.leave_out(f"prices named {field!r}, for which there is no unit", f"{place}.{field}")
            continue
        unit, price = found
        if price is not None:
            yield unit, price, start


def _range(tier: object) -> tuple[int, int] | None:
    bounds = tier.get("range") if isinstance(tier, Mapping) else None
    if not isinstance(bounds, list) or len(bounds) != 2:
        return None
    start, end = whole_number(bounds[0]), exact_number(bounds[1])
    if start is None or end is None or end.is_nan() or not 0 <= start < end:
        return None
    return start, int(end) if end.is_finite() else 0
