"""Named ranges of days: a preset and today's local date in, first and last day and the period to compare with out."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

FIRST_DAY = date(1970, 1, 1)
LAST_DAY = date(2149, 6, 6)
"""What the warehouse's Date can hold."""


class Preset(StrEnum):
    """Ranges people ask for; all end today but yesterday and custom."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    LAST_7_DAYS = "7d"
    LAST_30_DAYS = "30d"
    LAST_3_MONTHS = "3m"
    LAST_6_MONTHS = "6m"
    MONTH = "month"
    CUSTOM = "custom"


class InvalidRange(ValueError):
    """The days asked for make no range; the message says what to send."""


@dataclass(frozen=True, slots=True)
class DayRange:
    """Local days, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1


def resolved(preset: Preset, today: date, first: date | None = None, last: date | None = None) -> DayRange:
    """The days a preset means today; `first` and `last` belong to CUSTOM only.

    Raises InvalidRange.
    """
    if preset is Preset.CUSTOM:
        return _custom(first, last)
    if first or last:
        raise InvalidRange(f"from and to need range=custom, not range={preset}")
    if preset is Preset.YESTERDAY:
        return DayRange(today - timedelta(days=1), today - timedelta(days=1))
    starts = {
        Preset.TODAY: today,
        Preset.LAST_7_DAYS: today - timedelta(days=6),
        Preset.LAST_30_DAYS: today - timedelta(days=29),
        Preset.LAST_3_MONTHS: months_before(today, 3) + timedelta(days=1),
        Preset.LAST_6_MONTHS: months_before(today, 6) + timedelta(days=1),
        Preset.MONTH: today.replace(day=1),
    }
    return DayRange(starts[preset], today)


def previous(preset: Preset, days: DayRange) -> DayRange:
    """The period to compare with: as long as `days` and just before it.

    Ranges of months step by months; the current month is compared with the same days of the one before.
    """
    if preset is Preset.MONTH:
        first = months_before(days.first, 1)
        return DayRange(first, months_before(days.last, 1))
    months = {Preset.LAST_3_MONTHS: 3, Preset.LAST_6_MONTHS: 6}.get(preset)
    before = days.first - timedelta(days=1)
    if months:
        return DayRange(months_before(days.last, 2 * months) + timedelta(days=1), before)
    return DayRange(days.first - timedelta(days=days.days), before)


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last day of that month when it is shorter."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _custom(first: date | None, last: date | None) -> DayRange:
    if first is None or last is None:
        raise InvalidRange("range=custom needs both from and to, as dates like 2026-03-01")
    if first > last:
        raise InvalidRange(f"from {first} is after to {last}; swap them")
    if first < FIRST_DAY or last > LAST_DAY:
        raise InvalidRange(f"days from {FIRST_DAY} to {LAST_DAY} are kept, not {first} to {last}")
    return DayRange(first, last)
