"""Parts cover every period once, within their limit; their conditions let the engine skip months."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from warehouse.queries.reconcile.part import Cut, Part, RowsPerPeriod, parts

DAY = date(2026, 3, 1)


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
        "AND time >= toDateTime({first:Date}, 'UTC') - toIntervalDay(2) "
        "AND time < toDateTime({last:Date}, 'UTC') + toIntervalDay(3) "
        "AND organization = {organization:String} "
        "AND cityHash64(organization, model) % {pieces:UInt64} = {piece:UInt64}"
    )
    assert part.parameters == {
        "first": "2026-03-01",
        "last": "2026-03-01",
        "organization": "acme",
        "pieces": 3,
        "piece": 1,
    }
    assert "toIntervalDay(10)" in Part(DAY, DAY, "week").where("bucket", ())


def test_rows_per_period() -> None:
    assert RowsPerPeriod("week", "acme", DAY).sql == (
        "SELECT week, count() FROM\n(\n"
        "    SELECT week FROM usage_raw WHERE 1 AND organization = {organization:String} AND week >= {first:Date}\n"
        "    UNION ALL SELECT week FROM rollup WHERE grain = 'quarter' AND organization = {organization:String} "
        "AND week >= {first:Date}\n)\nGROUP BY week ORDER BY week"
    )
    assert RowsPerPeriod(last=DAY).parameters == {"last": "2026-03-01"}


def test_a_cut_knows_partitions_that_were_never_applied() -> None:
    assert Cut({1026: 7}).parameters == {"cut_partitions": [-1, 1026], "cut_offsets": [-1, 7]}
    assert Cut().parameters == {"cut_partitions": [-1], "cut_offsets": [-1]}
