"""Prices with ends: rows with the instants at which they end in, rows that only start out.

A stored price holds until a later one of its model does. So the end of the last price becomes a sheet without rates,
and every other end must be the start of the next price.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from stream_jobs.pricing.imports.price_list import Reading
from stream_jobs.pricing.price_row import NO_RATES, PriceRow


@dataclass(frozen=True, slots=True)
class Dated:
    """A row, its place, and the instant at which it ends (None: when a later one starts)."""

    place: str
    row: PriceRow
    end: datetime | None


def add_periods(dated: Sequence[Dated], reading: Reading) -> None:
    """Takes the rows in their order, and after them the ends that nothing follows."""
    for one in dated:
        reading.add(one.place, one.row)
    by_series: dict[tuple[str, ...], list[Dated]] = {}
    for one in dated:
        row = one.row
        series = (row.organization, row.provider, row.model, row.service_tier, row.daily_from, row.daily_to)
        by_series.setdefault(series, []).append(one)
    for rows in by_series.values():
        _add_end(rows, reading)


def _add_end(rows: Sequence[Dated], reading: Reading) -> None:
    """The periods of one model and window must follow each other; their last end is taken."""
    windows = [one for one in rows if one.row.daily_from and one.end is not None]
    for one in windows:
        reading.refuse(
            one.place,
            "a daily window does not end by itself; leave effective_to out, and write the price of the whole day again"
            " from that date",
        )
    if windows:
        return
    periods: dict[datetime, Dated] = {}
    for one in rows:
        known = periods.setdefault(one.row.effective_from, one)
        if known.end != one.end:
            reading.refuse(one.place, f"it starts with {known.place} and ends at another time; give both one end")
        if one.end is not None and one.end <= one.row.effective_from:
            reading.refuse(one.place, "it ends before it starts; correct effective_to")
    in_order = [periods[start] for start in sorted(periods)]
    for earlier, later in pairwise(in_order):
        _compare(earlier, later, reading)
    last = in_order[-1]
    if last.end is not None and last.end > last.row.effective_from:
        ended = replace(
            last.row, unit=NO_RATES, price_usd=Decimal(0), per=1, tier_start=0, marginal=False, effective_from=last.end
        )
        reading.add(last.place, ended)


def _compare(earlier: Dated, later: Dated, reading: Reading) -> None:
    start = later.row.effective_from
    if earlier.end is None or earlier.end == start:
        return
    ends, starts = (f"{moment:%Y-%m-%d %H:%M}" for moment in (earlier.end, start))
    what = f"the price of {earlier.place} ends at {ends} and this one starts at {starts}"
    if earlier.end > start:
        reading.refuse(later.place, f"overlap: {what}; end the earlier price where this one starts")
    else:
        reading.refuse(later.place, f"gap: {what}; close it, or write `none` as the unit of the time between")
