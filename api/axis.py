"""Where the buckets of a timeline start: days, a granularity and a calendar in, every start without gaps out."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from api.errors import InvalidParameter
from stream_jobs.calendars.local_calendar import LocalCalendar
from warehouse.queries.ranges import DayRange
from warehouse.queries.timeline import Granularity

BUCKETS_MAX = 2500
"""In one answer: hours of about 100 days, or days of almost seven years."""
PER_DAY = {Granularity.HOUR: 24.0, Granularity.DAY: 1.0, Granularity.WEEK: 1 / 7, Granularity.MONTH: 1 / 30}


def refuse_too_many(days: DayRange, granularity: Granularity) -> None:
    """Raises InvalidParameter when an answer would be longer than BUCKETS_MAX."""
    number = days.days * PER_DAY[granularity]
    if number > BUCKETS_MAX:
        raise InvalidParameter(
            f"granularity={granularity} makes about {number:.0f} buckets of {days.days} days, {BUCKETS_MAX} are "
            "possible; choose a shorter range or a coarser granularity"
        )


def starts(
    days: DayRange, granularity: Granularity, calendar: LocalCalendar, found: Sequence[datetime | date] = ()
) -> list[datetime | date]:
    """The starts of all buckets of these days.

    `found` widens hours: the days of all organisations together begin before and end after those of UTC.
    """
    every_day = [days.first + timedelta(days=number) for number in range(days.days)]
    if granularity is Granularity.HOUR:
        return _hours(every_day, calendar, [start for start in found if isinstance(start, datetime)])
    if granularity is Granularity.DAY:
        return list(every_day)
    if granularity is Granularity.WEEK:
        return sorted({calendar.week_of(day) for day in every_day})
    return sorted({day.replace(day=1) for day in every_day})


def _hours(days: list[date], calendar: LocalCalendar, found: list[datetime]) -> list[datetime | date]:
    hours = {datetime.fromtimestamp(period.start, UTC) for day in days for period in calendar.hours(day)}
    if calendar.time_zone == "UTC" and found:
        first, last = min(found), max(found)
        hours |= {first + timedelta(hours=number) for number in range((last - first) // timedelta(hours=1))}
    return sorted(hours)
