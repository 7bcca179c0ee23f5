"""What goes on around a new price: the sheets that hold until then in, those that the new one would hide out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from stream_jobs.pricing.editing.daily_window import ALL_DAY, left_of
from stream_jobs.pricing.editing.dated_sheet import DatedSheet, all_day_at, windows_at
from stream_jobs.pricing.price_row import PriceRow

Lists: TypeAlias = Sequence[Sequence[DatedSheet]]
"""The sheets of a model that hold for an owner, list by list: its own, everyone's, those of what it was priced as."""


def in_force(lists: Lists, at: datetime, window: tuple[str, str], service_tier: str) -> DatedSheet | None:
    """The sheet that holds then: that of the window, else the one for all day."""
    for sheets in lists:
        found = windows_at(sheets, at, service_tier).get(window) or all_day_at(sheets, at, service_tier)
        if found is not None and not found.is_end:
            return found
    return None


def going_on(own: Sequence[DatedSheet], held: Sequence[DatedSheet], sheet: DatedSheet) -> list[DatedSheet]:
    """The sheets of service tiers and of daily windows that a new sheet would hide, from its date on.

    own: the owner's sheets. held: what holds until then, whoever's. A first price of its own would take the place of
    everyone's batch rates, which it does not name; one for all day would end the daily windows of its service tier. So
    does all that goes on for all day.
    """
    at, first = sheet.effective_from, sheet.rows[0]
    is_first = in_force([own], at, ALL_DAY, "") is None
    tiers = dict.fromkeys(each.service_tier for each in held if is_first)
    missing = [tier for tier in tiers if in_force([own], at, ALL_DAY, tier) is None and not _speaks(sheet, tier)]
    others = {tier: in_force([held], at, ALL_DAY, tier) for tier in missing}
    found = [_moved(each, first, ALL_DAY) for each in others.values() if each is not None]
    whole = [sheet.service_tier] if sheet.window == ALL_DAY else []
    for tier in dict.fromkeys((*whole, *missing)):
        is_named, windows = tier == sheet.service_tier, windows_at(held, at, tier)
        priced = [window for window, inside in windows.items() if not inside.is_end]
        for window, inside in windows.items():
            is_bare = is_named or (others[tier] is None and all(left_of(each, window) == [each] for each in priced))
            if inside.is_end and is_bare:
                continue  # hours in which the service tier has no price of its own that an end could take away
            parts = left_of(window, sheet.window) if is_named and sheet.window != ALL_DAY else [window]
            found += [_moved(inside, first, part) for part in parts]
    return found


def _speaks(sheet: DatedSheet, tier: str) -> bool:
    """Whether the rest of a service tier's day needs nothing beside a sheet: it is for all day, or a standard one, and
    under those what holds for everyone stays to be seen."""
    return sheet.service_tier == tier and (not tier or sheet.window == ALL_DAY)


def moved(row: PriceRow, pattern: PriceRow) -> PriceRow:
    """The price of a row for the owner, the model and the time of another one."""
    return replace(
        row,
        organization=pattern.organization,
        provider=pattern.provider,
        model=pattern.model,
        match=pattern.match,
        display_name=pattern.display_name,
        effective_from=pattern.effective_from,
        daily_from=pattern.daily_from,
        daily_to=pattern.daily_to,
    )


def _moved(sheet: DatedSheet, pattern: PriceRow, window: tuple[str, str]) -> DatedSheet:
    inside = replace(pattern, daily_from=window[0], daily_to=window[1])
    return DatedSheet(tuple(moved(row, inside) for row in sheet.rows))


def windows_in_force(lists: Lists, at: datetime, tier: str) -> list[DatedSheet]:
    """The sheets of daily windows that hold then: of one list, and of those under it while it has none for all day."""
    windows: dict[tuple[str, str], DatedSheet] = {}
    for sheets in lists:
        windows = windows_at(sheets, at, tier) | windows
        last = all_day_at(sheets, at, tier)
        if last is not None and not last.is_end:
            break
    return list(windows.values())
