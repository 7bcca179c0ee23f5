"""Parts cover every period once, within their limit; their conditions let the engine skip months."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from warehouse.queries.reconcile.part import Cut, Part, RowsPerPeriod, parts

DAY = date(2026, 3, 1)
MIDNIGHT = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())


def test_neighbours_go_together_and_heavy_days_are_shared() -> None:
    days = [(DAY, 40), (DAY + timedelta(1), 60), (DAY + timedelta(5), 250), (DAY + timedelta(6), 1)]
    assert parts(days, 100, "day", "acme") == [
        Part(DAY, DAY + timedelta(1), "day", "acme"),
        *(Part(DAY + timedelta(5), DAY + timedelta(5), "day", "acme", piece, 3) for piece in range(3)),
        Part(DAY + timedelta(6), DAY + timedelta(6), "day", "acme"),
    ]
    assert parts([], 100, "day", None) == []


@given(st.lists(st.integers(1, 300), max_size=30), st.integers(1, 200))
def test_every_period_is_in_exactly_one_part(numbers: list[int], rows_max: int) -> None:
    days = [(DAY + timedelta(index), number) for index, number in enumerate(numbers)]
    covered: list[date] = []
    for part in parts(days, rows_max, "day", None):
        inside = [(day, number) for day, number in days if part.first <= day <= part.last]
        assert sum(number for _, number in inside) <= rows_max * part.pieces
        covered += [day for day, _ in inside] if part.piece == 0 else []
    assert covered == [day for day, _ in days]


def test_conditions() -> None:
    part = Part(DAY, DAY, "day", "acme", piece=1, pieces=3)
    assert part.where("time", ("model",)) == (
        "day >= {first:Date} AND day <= {last:Date} "
        "AND time >= toDateTime64({since:Int64}, 3, 'UTC') AND time < toDateTime64({until:Int64}, 3, 'UTC') "
        "AND organization = {organization:String} "
        "AND cityHash64(organization, model) % {pieces:UInt64} = {piece:UInt64}"
    )
    assert part.parameters == {
        "first": "2026-03-01",
        "last": "2026-03-01",
        "since": MIDNIGHT - 2 * 86_400,
        "until": MIDNIGHT + 3 * 86_400,
        "organization": "acme",
        "pieces": 3,
        "piece": 1,
    }
    assert Part(DAY, DAY, "week").parameters["until"] == MIDNIGHT + 10 * 86_400


def test_hours_are_instants_and_may_be_of_a_few_local_days_only() -> None:
    hour = datetime(2026, 3, 1, 18, tzinfo=UTC)
    part = Part(hour, hour + timedelta(hours=2), "hour", days=(DAY, None))
    assert part.where("bucket", ()) == (
        "hour >= toDateTime64({first:Int64}, 3, 'UTC') AND hour <= toDateTime64({last:Int64}, 3, 'UTC') "
        "AND bucket >= toDateTime64({since:Int64}, 3, 'UTC') AND bucket < toDateTime64({until:Int64}, 3, 'UTC') "
        "AND day >= {first_day:Date}"
    )
    at = MIDNIGHT + 18 * 3600
    bounds = {"first": at, "last": at + 7200, "since": at, "until": at + 5 * 3600}
    assert part.parameters == {**bounds, "first_day": "2026-03-01"}


def test_rows_per_period() -> None:
    counted = "AS weight FROM {} WHERE grain IN ('day', 'week') AND organization = {{organization:String}} "
    text = RowsPerPeriod("week", "acme", DAY).sql
    for table in ("rollup", "rollup_prompt", "rollup_category", "rollup_thread", "rollup_latency"):
        assert f"SELECT week AS period, count() {counted.format(table)}AND week + 6 >= {{first:Date}} GROUP BY" in text
    assert "usage_raw" not in text
    assert RowsPerPeriod(last=DAY).parameters == {"last": "2026-03-01"}


def test_hours_also_weigh_their_raw_events() -> None:
    text = RowsPerPeriod("hour", last=DAY).sql
    assert (
        "SELECT hour AS period, intDiv(count(), 8) + 1 AS weight FROM usage_raw WHERE 1 AND day <= {last:Date}" in text
    )
    assert "FROM rollup WHERE grain IN ('quarter', 'hour') AND day <= {last:Date}" in text


def test_a_cut_knows_partitions_that_were_never_applied() -> None:
    assert Cut({1026: 7}).parameters == {"cut_partitions": [-1, 1026], "cut_offsets": [-1, 7]}
    assert Cut().parameters == {"cut_partitions": [-1], "cut_offsets": [-1]}
