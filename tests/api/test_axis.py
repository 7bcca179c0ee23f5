"""Buckets start where the organisation's calendar says, without gaps, also where clocks change."""

from datetime import UTC, date, datetime, timedelta

from api.axis import starts
from stream_jobs.calendars.local_calendar import LocalCalendar
from warehouse.queries.ranges import DayRange
from warehouse.queries.timeline import Granularity

PARIS = LocalCalendar("Europe/Paris")
MARCH = DayRange(date(2026, 3, 28), date(2026, 4, 1))


def test_days_weeks_and_months() -> None:
    days = starts(MARCH, Granularity.DAY, PARIS)
    assert (len(days), days[0], days[-1]) == (5, MARCH.first, MARCH.last)
    assert starts(MARCH, Granularity.WEEK, PARIS) == [date(2026, 3, 23), date(2026, 3, 30)]
    assert starts(MARCH, Granularity.WEEK, LocalCalendar("UTC", 7)) == [date(2026, 3, 22), date(2026, 3, 29)]
    assert starts(MARCH, Granularity.MONTH, PARIS) == [date(2026, 3, 1), date(2026, 4, 1)]


def test_the_day_of_a_clock_change_has_its_own_hours() -> None:
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    hours = starts(DayRange(spring, spring), Granularity.HOUR, PARIS)
    assert (len(hours), hours[0]) == (23, datetime(2026, 3, 28, 23, tzinfo=UTC))
    assert len(starts(DayRange(autumn, autumn), Granularity.HOUR, PARIS)) == 25
    assert (
        len(
            starts(DayRange(date(2026, 4, 5), date(2026, 4, 5)), Granularity.HOUR, LocalCalendar("Australia/Lord_Howe"))
        )
        == 25
    )


def test_hours_of_all_organizations_together_reach_as_far_as_their_days() -> None:
    day, utc = DayRange(MARCH.first, MARCH.first), LocalCalendar("UTC")
    first, last = datetime(2026, 3, 27, 11, tzinfo=UTC), datetime(2026, 3, 29, 3, tzinfo=UTC)
    hours = starts(day, Granularity.HOUR, utc, [last, first])
    assert (hours[0], hours[-1] + timedelta(hours=1)) == (first, last)
    assert len(hours) == len(set(hours)) == 40
