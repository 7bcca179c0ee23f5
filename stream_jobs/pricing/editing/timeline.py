"""What a name costs at each time: the sheets that lie over each other in, one list that says the same out.

It says in rows what `underlying.laid` and `overrides.layered` make of the compiled sheets.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import accumulate

from stream_jobs.pricing.editing.daily_window import ALL_DAY, Window, left_of
from stream_jobs.pricing.editing.dated_sheet import DatedSheet, all_day_at, has_price, windows_at
from stream_jobs.pricing.editing.going_on import Lists
from stream_jobs.pricing.price_row import NO_RATES, PriceRow


def timeline(lists: Lists) -> list[DatedSheet]:
    """The sheets by precedence, those of each service tier by itself; an earlier list lies over a later one.

    Where a list ends, what lies under it holds again. A service tier that a list has no price for costs what the
    standard price of that list is: there the tier ends.
    """
    laid: list[DatedSheet] = []
    for own in reversed(lists):
        tiers = dict.fromkeys(("", *(sheet.service_tier for sheet in (*laid, *own))))
        laid = [sheet for tier in tiers for sheet in _seen(list(_over(laid, own, tier)))]
    return laid


def since(sheets: Sequence[DatedSheet], at: datetime) -> list[DatedSheet]:
    """Those that hold at some time from then on: the all-day one of then, the daily windows of then, and later ones."""
    tiers = {sheet.service_tier for sheet in sheets}
    now = [all_day_at(sheets, at, tier) for tier in tiers]
    windows = [sheet for tier in tiers for sheet in windows_at(sheets, at, tier).values()]
    return [sheet for sheet in sheets if sheet.effective_from > at or any(sheet is each for each in (*now, *windows))]


def not_before(sheet: DatedSheet, at: datetime) -> DatedSheet:
    """The sheet, from then on where it began earlier."""
    return DatedSheet(tuple(replace(row, effective_from=max(row.effective_from, at)) for row in sheet.rows))


def end(of: PriceRow, service_tier: str) -> DatedSheet:
    """A sheet that ends the prices of a service tier, in the place of a row."""
    marked = replace(of, unit=NO_RATES, price_usd=Decimal(0), per=1, tier_start=0, marginal=False)
    return DatedSheet((replace(marked, service_tier=service_tier),))


def _over(under: Sequence[DatedSheet], own: Sequence[DatedSheet], tier: str) -> Iterator[DatedSheet]:
    """The sheets of one service tier of both."""
    below = [sheet for sheet in under if sheet.service_tier == tier]
    yield from below
    has_ended = False
    for sheet in _in_turn(own, tier):
        at, is_all_day = sheet.effective_from, sheet.window == ALL_DAY
        if sheet.is_end and is_all_day and not sheet.service_tier:
            has_ended = bool(under)
            yield from [end(sheet.rows[0], tier)] if under or not tier else []
            yield from (not_before(each, at) for each in below)
        elif sheet.service_tier == tier:
            yield from [] if tier and has_ended else [sheet]
        elif not sheet.is_end:
            ended = _hours_without(own, tier, sheet) if below else []
            is_end_of_tier = bool(ended)
            for start, stop in ended:
                yield end(replace(sheet.rows[0], daily_from=start, daily_to=stop), tier)
            if is_all_day and (has_ended or is_end_of_tier):
                yield from (not_before(each, at) for each in _begun(own, tier, at))
            has_ended = has_ended and not is_all_day


def _in_turn(own: Sequence[DatedSheet], tier: str) -> list[DatedSheet]:
    """The standard sheets with those of a service tier over them, each where it begins to be looked at."""
    of_tier = [sheet for sheet in own if sheet.service_tier == tier]
    if not tier:
        return of_tier
    turns = accumulate((sheet.effective_from for sheet in of_tier), max)
    standard = [(each.effective_from, 2 if each.is_end else 0, each) for each in own if not each.service_tier]
    placed = [*standard, *((turn, 1, each) for turn, each in zip(turns, of_tier, strict=True))]
    return [sheet for *_, sheet in sorted(placed, key=lambda each: each[:2])]


def _begun(sheets: Sequence[DatedSheet], tier: str, at: datetime) -> list[DatedSheet]:
    """The sheets of a service tier that begin earlier, and hold then."""
    earlier = [sheet for sheet in sheets if sheet.effective_from < at]
    all_day = all_day_at(earlier, at, tier)
    return [*([] if all_day is None else [all_day]), *windows_at(earlier, at, tier).values()]


def _hours_without(own: Sequence[DatedSheet], tier: str, sheet: DatedSheet) -> list[Window]:
    """The hours of a standard sheet in which a service tier of the same list has no price of its own."""
    if has_price(own, sheet.effective_from, tier):
        return []
    left = [sheet.window]
    for window in windows_at(own, sheet.effective_from, tier) if sheet.window != ALL_DAY else ():
        left = [part for each in left for part in left_of(each, window)]
    return left


def _seen(sheets: Sequence[DatedSheet]) -> list[DatedSheet]:
    """Without what one of higher precedence hides, and without ends of what never began."""
    made: list[DatedSheet] = []
    for place, sheet in enumerate(sheets):
        hides = (each for each in sheets[place + 1 :] if each.window == ALL_DAY)
        is_hidden = any(each.effective_from <= sheet.effective_from for each in hides)
        if not is_hidden and (made or not (sheet.is_end and sheet.service_tier)):
            made.append(sheet)
    return made
