"""A list over the dated prices of a model: the sheets of both in, their sum out.

What the list names has the list's price for as long as the list says; what it does not name keeps its own dates.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from stream_jobs.pricing.editing.daily_window import ALL_DAY
from stream_jobs.pricing.editing.dated_sheet import DatedSheet, all_day_at, inserted, rate_key, unnamed, windows_at
from stream_jobs.pricing.editing.going_on import moved
from stream_jobs.pricing.editing.source_family import says_all
from stream_jobs.pricing.editing.timeline import end
from stream_jobs.pricing.editing.unit_gaps import EndedUnit, lost_rates
from stream_jobs.pricing.price_row import SINCE_EVER, PriceRow


def overlaid(
    known: Sequence[DatedSheet],
    listed: Sequence[DatedSheet],
    ended: Collection[EndedUnit] = (),
    *,
    is_whole: bool = False,
    begun: Collection[str] = (),
) -> list[DatedSheet]:
    """The listed sheets with what goes on of the known ones, by precedence. ended: units that do not.

    Of a catalogue, whose newer state the list is, only what would have no price at all goes on; is_whole: not even
    that. begun: service tiers that have a price for all day until then. While the list calls a model free or without a
    price it has nothing else.
    """
    left = list(known)
    if all(_is_of_former(sheet, listed[0].rows[0]) for sheet in known):
        begins = min(sheet.effective_from for sheet in listed)
        now = None if is_whole else all_day_at(known, begins)
        left = [] if now is None else [now]
    if is_whole and not left:
        return list(listed)
    over = _Overlay(left, listed, ended, begun, is_whole=is_whole)
    made: list[DatedSheet] = []
    for tier in dict.fromkeys(sheet.service_tier for sheet in (*listed, *left)):
        for sheet in over.of_both(tier):
            made = inserted(made, sheet)
    return made


class _Overlay:
    """Both while they are put together."""

    def __init__(
        self,
        known: Sequence[DatedSheet],
        listed: Sequence[DatedSheet],
        ended: Collection[EndedUnit],
        begun: Collection[str],
        *,
        is_whole: bool,
    ) -> None:
        self._known, self._listed, self._ended, self._is_whole = known, listed, ended, is_whole
        self._begun = begun
        self._first = listed[0].rows[0]
        self._named = {sheet.service_tier for sheet in listed}
        closings = (sheet for sheet in listed if sheet.is_closing and not sheet.service_tier)
        self._closings = {sheet.effective_from for sheet in closings}

    def of_both(self, tier: str) -> list[DatedSheet]:
        """The sheets of one service tier: at every date of either, the list's prices and what it leaves.

        A price for all day ends daily windows: those that hold on are said again with it. Else what goes on is not.
        """
        of_tier = (sheet for sheet in (*self._known, *self._listed) if sheet.service_tier == tier)
        both = sorted(of_tier, key=lambda sheet: sheet.effective_from)
        windows = dict.fromkeys(sheet.window for sheet in both if sheet.window != ALL_DAY)
        made: list[DatedSheet] = []
        for date in sorted({sheet.effective_from for sheet in both} | self._closings):
            held, day = windows_at(made, date, tier), all_day_at(made, date, tier)
            inside = {window: self._at(date, tier, window) for window in windows}
            goes_on = all(inside[window] for window in held)
            all_day = self._news(
                self._at(date, tier, ALL_DAY), day if goes_on else None, day or not goes_on or tier in self._begun
            )
            made += all_day
            day = all_day_at(made, date, tier)
            for window, sheet in inside.items():
                until_then = None if all_day else held.get(window)
                made += self._news(sheet, until_then, until_then or (day is not None and not day.is_end))
        return made

    def _news(self, sheet: DatedSheet | None, until_then: DatedSheet | None, others: object) -> list[DatedSheet]:
        """The sheet where it says what the one until then does not; but the end of a service tier that has no others,
        in force until then, only where the list says so."""
        if sheet is None or (until_then is not None and _says(sheet) == _says(until_then)):
            return []
        is_idle = sheet.is_end and sheet.service_tier and not others and not self._is_named(sheet)
        return [] if is_idle else [sheet]

    def _at(self, date: datetime, tier: str, window: tuple[str, str]) -> DatedSheet | None:
        new, old = (_holding(sheets, date, tier, window) for sheets in (self._listed, self._known))
        if new is not None:
            pattern = replace(new.rows[0], effective_from=date)
            return DatedSheet(tuple(moved(row, pattern) for row in (*new.rows, *self._left(old, new, date))))
        closing = self._closing(date, tier)
        if closing is not None and not self._stays(old, closing):
            return end(replace(self._first, effective_from=date), tier) if tier and window == ALL_DAY else None
        if old is None or ((tier or window != ALL_DAY) and _is_of_former(old, self._first)):
            return None
        return _as_of(old, date, self._first)

    def _is_named(self, sheet: DatedSheet) -> bool:
        """Whether the list itself says something of this service tier then."""
        return _holding(self._listed, sheet.effective_from, sheet.service_tier, sheet.window) is not None

    def _left(self, old: DatedSheet | None, new: DatedSheet, date: datetime) -> list[PriceRow]:
        """The rates of the old sheet that the new one does not name; those of a new window are of the whole day."""
        if old is None and new.window != ALL_DAY:
            old = _holding(self._known, date, new.service_tier, ALL_DAY)
        if old is None or new.is_closing:
            return []
        first = new.rows[0]
        lost = [] if self._is_whole else lost_rates(old, new)
        return [
            row
            for row in unnamed(old.rates, new.rows)
            if (row in lost or not says_all(first, row)) and not self._has_ended(row, new)
        ]

    def _has_ended(self, row: PriceRow, new: DatedSheet) -> bool:
        """Whether the list has ended a unit in this sheet, or in an earlier one of its window and service tier."""
        first, (date, *place) = new.rows[0], new.place
        return any(
            (each.provider, each.model, each.unit) == (first.provider, first.model, row.unit)
            and list(each.place[1:]) == place
            and each.place[0] <= date
            for each in self._ended
        )

    def _closing(self, date: datetime, tier: str) -> DatedSheet | None:
        """What the list says of the service tier, or of the model, where that is that it is free, or has no price."""
        said = (all_day_at(self._listed, date, of) for of in dict.fromkeys((tier, "")))
        return next((sheet for sheet in said if sheet is not None and sheet.is_closing), None)

    def _stays(self, old: DatedSheet | None, closing: DatedSheet) -> bool:
        """Whether it is a price that people set of a service tier, of which the list says nothing, from a later date on
        than that from which the list says that the model is free."""
        if old is None or old.service_tier in self._named or _is_of_former(old, self._first):
            return False
        return closing.is_free and old.effective_from > closing.effective_from > SINCE_EVER


def _is_of_former(sheet: DatedSheet, first: PriceRow) -> bool:
    """Whether all of a sheet comes from the catalogue whose newer state the list is."""
    return all(says_all(first, row) for row in sheet.rows)


def _holding(sheets: Sequence[DatedSheet], at: datetime, tier: str, window: tuple[str, str]) -> DatedSheet | None:
    """What sheets of one service tier say of a window at a time."""
    return all_day_at(sheets, at, tier) if window == ALL_DAY else windows_at(sheets, at, tier).get(window)


def _as_of(sheet: DatedSheet, date: datetime, first: PriceRow) -> DatedSheet:
    """The sheet from another date on, of the list's model and found as the list says."""
    start, stop = sheet.window
    pattern = replace(first, effective_from=date, daily_from=start, daily_to=stop)
    return DatedSheet(tuple(moved(row, pattern) for row in sheet.rows))


def _says(sheet: DatedSheet) -> list[tuple[object, ...]]:
    said = ((str((rate_key(row), row.tier_start)), row.price_usd, row.per, row.marginal) for row in sheet.rows)
    return sorted(said, key=str)
