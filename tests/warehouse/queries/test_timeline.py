"""The text of the timeline's statements, and buckets without gaps."""

from datetime import UTC, date, datetime
from decimal import Decimal

from warehouse.queries.selection import Selection
from warehouse.queries.timeline import Bucket, Granularity, Timeline, Total, peak, zero_filled
from warehouse.queries.usage import MEASURES, SUMS, Usage

MARCH = Selection("acme", date(2026, 3, 1), date(2026, 3, 14))


def test_days_weeks_and_months_are_read_from_days() -> None:
    for granularity in ("day", "week", "month"):
        assert Timeline(MARCH, Granularity(granularity)).sql == (
            f"SELECT {granularity} AS start, {SUMS} FROM usage_daily WHERE organization = {{organization:String}} "
            "AND day >= {first_day:Date} AND day <= {last_day:Date} GROUP BY start ORDER BY start"
        )


def test_hours_are_those_of_the_organization_or_of_utc() -> None:
    assert Timeline(MARCH, Granularity.HOUR).sql.startswith(f"SELECT bucket AS start, {SUMS} FROM usage_hourly WHERE ")
    assert Timeline(Selection(), Granularity.HOUR).sql == (
        f"SELECT toStartOfHour(bucket) AS start, {SUMS} FROM usage_hourly  GROUP BY start ORDER BY start"
    )


def test_the_total_needs_no_buckets() -> None:
    assert Total(Selection()).sql == f"SELECT {SUMS} FROM usage_daily "


def test_starts_are_instants_with_their_zone_or_dates() -> None:
    sums = [0] * len(MEASURES)
    hours = Timeline(MARCH, Granularity.HOUR).read([(datetime(2026, 3, 1, 5), *sums)])  # noqa: DTZ001 - as the driver
    assert hours[0].start == datetime(2026, 3, 1, 5, tzinfo=UTC)
    assert Timeline(MARCH, Granularity.DAY).read([(date(2026, 3, 1), *sums)])[0].start == date(2026, 3, 1)


def test_empty_buckets_are_filled_and_found_ones_kept() -> None:
    found = Bucket(date(2026, 3, 2), Usage(requests=3, cost_usd=Decimal("0.5")))
    beyond = Bucket(date(2026, 3, 9), Usage(requests=1))
    filled = zero_filled([beyond, found], [date(2026, 3, 1), date(2026, 3, 2)])
    assert filled == [Bucket(date(2026, 3, 1), Usage()), found, beyond]


def test_the_peak_is_the_earliest_of_the_busiest() -> None:
    buckets = [Bucket(date(2026, 3, day), Usage(requests=requests)) for day, requests in ((1, 2), (2, 5), (3, 5))]
    assert peak(buckets) == buckets[1]
    assert peak([Bucket(date(2026, 3, 1), Usage())]) is None
    assert peak([]) is None
