"""What a statement reads of days that are done together."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from stream_jobs.rollups.bundle import Bundle, Slice, joined

PARIS = ZoneInfo("Europe/Paris")
HOUR = 3600


def slice_of(organization: str, day: date) -> Slice:
    start = datetime(day.year, day.month, day.day, tzinfo=PARIS)
    end = start + timedelta(days=1)
    return Slice(organization, day, day - timedelta(days=day.weekday()), int(start.timestamp()), int(end.timestamp()))


def test_spans_that_overlap_or_touch_are_one() -> None:
    assert joined([(10, 20), (0, 5), (20, 30), (4, 6)]) == [(0, 6), (10, 30)]


def test_days_that_follow_each_other_are_one_span_of_time_and_a_gap_is_not_read() -> None:
    near = [slice_of("acme", date(2026, 3, day)) for day in (1, 2, 3)]
    assert Bundle(0, tuple(near), 7).of_days("time").count("time >=") == 1
    far = slice_of("acme", date(2026, 3, 20))
    assert Bundle(0, (*near, far), 7).of_days("time").count("time >=") == 2


def test_a_part_of_the_time_is_read_of_the_days_that_lie_in_it() -> None:
    first, second = slice_of("acme", date(2026, 3, 1)), slice_of("zen", date(2026, 3, 20))
    bundle = Bundle(0, (first, second), 7)
    said = bundle.of_days("time", first.start, first.start + HOUR)
    assert said.count("time >=") == 1
    assert (
        f"time >= toDateTime64({first.start}, 3, 'UTC') AND time < toDateTime64({first.start + HOUR}, 3, 'UTC')" in said
    )
    between = second.start - 4 * 24 * HOUR
    assert "(false)" in bundle.of_days("time", between, between + HOUR)


def test_a_day_of_one_organization_is_not_that_of_another() -> None:
    bundle = Bundle(3, (slice_of("acme", date(2026, 3, 1)), slice_of("zen", date(2026, 3, 2))), 7)
    assert "(organization, day) IN (('acme', '2026-03-01'), ('zen', '2026-03-02'))" in bundle.of_days("time")
    assert "(organization, week) IN (('acme', '2026-02-23'), ('zen', '2026-03-02'))" not in bundle.of_days("time")
    assert "(organization, week) IN (('acme', '2026-02-23'), ('zen', '2026-02-23'))" not in bundle.of_weeks("bucket")
    assert str(bundle) == "acme on 2026-03-01 and 1 more days"
