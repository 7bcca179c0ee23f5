"""Rule E14: calendars that change, against places and periods that are found by looking at every quarter hour."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from stream_jobs.calendars.local_calendar import LocalCalendar
from stream_jobs.calendars.organization_calendar import OrganizationCalendar
from tests.chaos.calendar_changes import FAR_ZONES
from tests.chaos.places import DAY, QUARTER, Calendars

WINTER, SPRING = datetime(2026, 10, 29, tzinfo=UTC), datetime(2026, 3, 26, tzinfo=UTC)
"""Some days before New York (and Paris) change their clocks."""
DAYS = 9


def changed(chance: random.Random, begin: int) -> tuple[OrganizationCalendar, Calendars]:
    """Some changes of a calendar of UTC, mostly at midnights; told to both in the same order."""
    mine, theirs = OrganizationCalendar.of([(0, LocalCalendar("UTC", 1))]), Calendars()
    for _ in range(chance.randint(1, 4)):
        day = datetime.fromtimestamp(begin, UTC).date() + timedelta(days=chance.randint(1, DAYS - 2))
        start = theirs.period("acme", "day", day)[0] or begin + DAY
        start += chance.choice((0, 0, QUARTER * chance.randint(1, 80)))
        zone, week_start = chance.choice(FAR_ZONES), chance.randint(1, 7)
        mine.change(start, LocalCalendar(zone, week_start))
        theirs.say("acme", start, zone, week_start)
    return mine, theirs


@pytest.mark.parametrize("seed", range(40))
def test_e14_every_quarter_hour_and_every_period_is_where_it_is_seen_to_be(seed: int) -> None:
    chance = random.Random(seed)
    begin = round(chance.choice((WINTER, SPRING)).timestamp())
    mine, theirs = changed(chance, begin)
    days, weeks = set[date](), set[date]()
    for bucket in range(begin - DAY, begin + DAYS * DAY, QUARTER):
        place, expected = mine.place(bucket), theirs.place("acme", bucket * 1000)
        assert (place.hour, place.day, place.week) == (expected.hour, expected.day, expected.week), (bucket, mine.rules)
        days.add(place.day)
        weeks.add(place.week)
    for grain, firsts in (("day", days), ("week", weeks)):
        for first in firsts:
            period = mine.day(first) if grain == "day" else mine.week(first)
            assert (period.start, period.end) == theirs.period("acme", grain, first), (grain, first, mine.rules)


def test_e14_dates_that_come_again_stay_in_the_weeks_they_were_counted_in() -> None:
    """From Kiritimati to Pago Pago the dates 9 to 11 March come again; then weeks begin on Wednesdays."""
    calendar = OrganizationCalendar.of([(0, LocalCalendar("Pacific/Kiritimati", 1))])
    dates = [date(2026, 3, day) for day in range(9, 12)]
    for day, changed in ((11, LocalCalendar("Pacific/Pago_Pago", 1)), (10, LocalCalendar("Pacific/Pago_Pago", 3))):
        before = [calendar.week_of(each) for each in dates[:2]]
        calendar.change(calendar.newest.day(date(2026, 3, day)).start, changed)
        assert [calendar.week_of(each) for each in dates[:2]] == before
    assert [calendar.week_of(each) for each in dates] == [dates[0], dates[0], dates[2]]


def test_e14_a_change_inside_a_date_leaves_its_week_as_it_was_counted() -> None:
    calendar = OrganizationCalendar.of([(0, LocalCalendar("UTC", 1))])
    wednesday = round(datetime(2026, 11, 4, tzinfo=UTC).timestamp())
    before = calendar.place(wednesday).week
    calendar.change(wednesday + DAY // 2, LocalCalendar("UTC", 3))
    assert calendar.place(wednesday).week == before == calendar.place(wednesday + DAY - QUARTER).week
    assert calendar.place(wednesday + DAY).week == date(2026, 11, 4)
