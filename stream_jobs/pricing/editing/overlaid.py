"""A list whose prices hold since ever, over the dated prices of a model: the sheets of both in, their sum out.

What the list names has the list's price at all times; what it does not name keeps the dates that it had.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from stream_jobs.pricing.editing.dated_sheet import DatedSheet, all_day_at, inserted, rate_key, windows_at
from stream_jobs.pricing.editing.going_on import moved
from stream_jobs.pricing.editing.source_family import says_all
from stream_jobs.pricing.editing.unit_gaps import EndedUnit
from stream_jobs.pricing.price_row import PriceRow

ALL_DAY = ("", "")


def overlaid(
    known: Sequence[DatedSheet], listed: Sequence[DatedSheet], ended: Collection[EndedUnit] = ()
) -> list[DatedSheet]:
    """The listed sheets with what goes on of the known ones, by precedence. ended: units that do not.

    A model that the list calls free or without a price has nothing else.
    """
    first = listed[0].rows[0]
    left = [sheet for sheet in known if not all(says_all(first, row) for row in sheet.rows)]
    if not left or any(sheet.is_end or sheet.is_free for sheet in listed):
        return list(listed)
    made: list[DatedSheet] = []
    for tier, window in dict.fromkeys((sheet.service_tier, sheet.window) for sheet in (*listed, *left)):
        for sheet in _of_both(
            [each for each in left if each.service_tier == tier],
            [each for each in listed if each.service_tier == tier],
            window,
            first,
            ended,
        ):
            made = inserted(made, sheet)
    return made


def _of_both(
    known: Sequence[DatedSheet],
    listed: Sequence[DatedSheet],
    window: tuple[str, str],
    first: PriceRow,
    ended: Collection[EndedUnit],
) -> list[DatedSheet]:
    """The sheets of one window, of one service tier: at every date of either, the list's prices and what it leaves.

    A price for all day ends daily windows: those that hold on are said again with it.
    """
    both = [*known, *listed]
    has_windows = any(sheet.window != ALL_DAY for sheet in both)
    made: list[DatedSheet] = []
    for date in sorted({sheet.effective_from for sheet in both if sheet.window in (window, ALL_DAY)}):
        new, old = _holding(listed, date, window), _holding(known, date, window)
        if new is not None:
            pattern = replace(new.rows[0], effective_from=date)
            sheet = DatedSheet(tuple(moved(row, pattern) for row in (*new.rows, *_left(old, new, ended))))
        elif old is not None:
            sheet = _as_of(old, date, first)
        else:
            continue
        if has_windows or not made or _says(sheet) != _says(made[-1]):
            made.append(sheet)
    return made


def _holding(sheets: Sequence[DatedSheet], at: datetime, window: tuple[str, str]) -> DatedSheet | None:
    """What sheets of one service tier say of a window at a time."""
    if not sheets:
        return None
    tier = sheets[0].service_tier
    return all_day_at(sheets, at, tier) if window == ALL_DAY else windows_at(sheets, at, tier).get(window)


def _left(old: DatedSheet | None, new: DatedSheet, ended: Collection[EndedUnit]) -> list[PriceRow]:
    """The rates of the old sheet that the new one does not name."""
    if old is None:
        return []
    first, named = new.rows[0], {rate_key(row) for row in new.rows}
    return [
        row
        for row in old.rates
        if rate_key(row) not in named
        and not says_all(first, row)
        and EndedUnit(first.provider, first.model, row.unit, new.place) not in ended
    ]


def _as_of(sheet: DatedSheet, date: datetime, first: PriceRow) -> DatedSheet:
    """The sheet from another date on, found as the list says."""
    return DatedSheet(
        tuple(
            replace(row, effective_from=date, match=first.match, display_name=first.display_name) for row in sheet.rows
        )
    )


def _says(sheet: DatedSheet) -> list[tuple[object, ...]]:
    return sorted(((str((rate_key(row), row.tier_start)), row.price_usd, row.per) for row in sheet.rows), key=str)
