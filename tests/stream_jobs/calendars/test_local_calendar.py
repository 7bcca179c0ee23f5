"""Local hours, days and weeks, held against zoneinfo minute by minute."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from stream_jobs.calendars.local_calendar import LocalCalendar

CHANGES = [
    ("Europe/Paris", date(2026, 3, 29)),
    ("Europe/Paris", date(2026, 10, 25)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Asia/Kathmandu", date(2026, 7, 1)),
    ("Africa/Cairo", date(2026, 4, 24)),
    ("Pacific/Apia", date(2011, 12, 29)),
    ("Atlantic/Azores", date(2026, 10, 25)),
]


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_e14_every_quarter_hour_lies_in_the_day_and_hour_that_zoneinfo_shows(zone: str, day: date) -> None:
    calendar = LocalCalendar(zone)
    whole = calendar.day(day)
    for bucket in range(whole.start - 7200, whole.end + 7200, 900):
        local = datetime.fromtimestamp(bucket, ZoneInfo(zone))
        place = calendar.place(bucket)
        assert place.day == local.date()
        assert (place.day == day) == (whole.start <= bucket < whole.end)
        start = datetime.fromtimestamp(place.hour, ZoneInfo(zone))
        assert (start.date(), start.hour, start.utcoffset()) == (local.date(), local.hour, local.utcoffset())


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_the_hours_of_a_day_cover_it_without_gap(zone: str, day: date) -> None:
    calendar = LocalCalendar(zone)
    whole, hours = calendar.day(day), calendar.hours(day)
    assert hours[0].start == whole.start
    assert hours[-1].end == whole.end
    assert all(a.end == b.start for a, b in pairwise(hours))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Paris", date(2026, 3, 29), 23),
        ("Europe/Paris", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 24),
        ("UTC", date(2026, 10, 25), 24),
    ],
)
def test_e14_changeover_days_have_the_hours_people_live_through(zone: str, day: date, hours: int) -> None:
    assert len(LocalCalendar(zone).hours(day)) == hours


@pytest.mark.parametrize("week_start", range(1, 8))
def test_e14_weeks_start_on_the_day_that_was_set(week_start: int) -> None:
    calendar = LocalCalendar("Europe/Paris", week_start)
    for offset in range(21):
        day = date(2026, 10, 20) + timedelta(days=offset)
        week = calendar.week_of(day)
        assert week.isoweekday() == week_start
        assert 0 <= (day - week).days < 7
        assert calendar.week(week).start == calendar.day(week).start
        assert calendar.week(week).end == calendar.day(week + timedelta(days=7)).start


def test_a_quarter_hour_in_kathmandu_belongs_to_an_hour_that_starts_at_a_quarter_past_in_utc() -> None:
    bucket = int(datetime(2026, 7, 1, 12, 0, tzinfo=UTC).timestamp())
    assert datetime.fromtimestamp(LocalCalendar("Asia/Kathmandu").place(bucket).hour, UTC).minute == 15


def test_an_unknown_zone_is_an_error() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        LocalCalendar("Mars/Olympus")
