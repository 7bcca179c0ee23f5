"""What ends and free marks take away: two price lists in, what each rate was before and what it is after out.

A closing is a row that says of its model, or of a service tier, that it ends or is free.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final, TypeAlias

from stream_jobs.pricing.editing.daily_window import ALL_DAY
from stream_jobs.pricing.editing.dated_sheet import SHEET_KEY
from stream_jobs.pricing.editing.holding import Charged, Holding
from stream_jobs.pricing.price_row import FREE, NO_RATES, PriceRow

MARKS: Final = (FREE, NO_RATES)
Pair: TypeAlias = tuple[PriceRow | None, PriceRow | None]
"""A price before and after; both of the same time."""


def closed(closing: PriceRow, until_then: Holding, from_then: Holding) -> list[Pair]:
    """What each rate was until a closing, and what it is from there on; where nothing was, and nothing is, the closing
    itself. Daily windows that hold then are among it."""
    return list(_all_day(closing, until_then, from_then)) or [(None, closing)]


def tiers_closed(
    sheets: Iterable[PriceRow], known: Collection[tuple[Any, ...]], until_then: Holding, from_then: Holding
) -> Iterator[Pair]:
    """The same of service tiers that end, or hold again, with standard sheets for all day, without a row that says so.

    sheets: a row of each new one. known: keys of all sheets that there are then.
    """
    for row in sheets:
        if row.service_tier or row.daily_from:
            continue
        before, after = until_then.tiers(row), from_then.tiers(row)
        for tier in sorted(before ^ after if row.unit in MARKS else before - after):
            of_tier = replace(row, service_tier=tier)
            if sheet_key(of_tier) not in known:
                yield from _all_day(of_tier, until_then, from_then)


def sheet_key(row: PriceRow) -> tuple[Any, ...]:
    """What tells the sheet of a row apart."""
    return tuple(getattr(row, name) for name in SHEET_KEY)


def _all_day(closing: PriceRow, until_then: Holding, from_then: Holding) -> Iterator[Pair]:
    """By rate, in daily windows too where the closing is for all day."""
    windows = [(closing.daily_from, closing.daily_to)]
    if windows == [ALL_DAY]:
        windows += dict.fromkeys((*until_then.windows(closing), *from_then.windows(closing)))
    for start, stop in windows:
        inside = replace(closing, daily_from=start, daily_to=stop)
        yield from _rates(until_then.charged(inside), from_then.charged(inside))


def _rates(before: Charged, after: Charged) -> Iterator[Pair]:
    """By rate. Of a service tier only what it names, or did: the rest is what the standard price is about."""
    keys = dict.fromkeys((*before.named, *after.named))
    if before.mark and after.mark:
        yield before.mark, after.mark
    elif keys:
        yield from ((before.of(key), after.of(key)) for key in keys)
    elif before.free or after.free:
        yield before.free, after.free
