"""The text of the comparisons, on a family small enough to read."""

from datetime import date

import pytest

from warehouse.families import FAMILIES, Family
from warehouse.queries.reconcile.derived import DerivedAgainstFiner
from warehouse.queries.reconcile.difference import Place
from warehouse.queries.reconcile.latency import LatencyAgainstSource
from warehouse.queries.reconcile.open_slices import NOT_OPEN
from warehouse.queries.reconcile.part import Cut, Part
from warehouse.queries.reconcile.quarters import QuartersAgainstRaw
from warehouse.raw_measures import FROM_RAW

SMALL = Family("rollup_small", ("model",), ("requests", "cost_nano_usd"), only="model")
PART = Part(date(2026, 3, 1), date(2026, 3, 2))
INSIDE = (
    "day >= {{first:Date}} AND day <= {{last:Date}} AND {0} >= toDateTime64({{since:Int64}}, 3, 'UTC') "
    "AND {0} < toDateTime64({{until:Int64}}, 3, 'UTC')"
)


def test_quarters_against_raw() -> None:
    question = QuartersAgainstRaw(SMALL, PART, Cut({1026: 7}))
    assert question.sql == (
        "SELECT\n"
        "    count() AS compared,\n"
        "    countIf(expected != stored) AS differing,\n"
        "    groupArrayIf(200)\n"
        "        ((organization, src_partition, toString(bucket), [toString(model)], expected, stored),\n"
        "        expected != stored),\n"
        "    groupUniqArrayIf(20000)((src_partition, organization, day), expected != stored)\n"
        "FROM\n"
        "(\n"
        "    SELECT\n"
        "        organization, src_partition, bucket, hour, day, week, model,\n"
        "        max(if(is_row, position, -1)) AS row_offset,\n"
        "        groupArrayIf((position, measured), NOT is_row AND position > applied) AS behind,\n"
        "        arrayFilter(event -> event.1 <= row_offset, behind) AS ahead,\n"
        "        maxIf(position, NOT is_row AND position <= applied) AS newest,\n"
        "        sumForEachIf(measured, NOT is_row AND position <= applied) AS settled,\n"
        "        arrayPushBack(arrayResize(sumForEachIf(measured, is_row), 2, 0), row_offset) AS stored,\n"
        "        arrayPushBack(\n"
        "            arrayReduce(\n"
        "                'sumForEach',\n"
        "                arrayPushBack(arrayMap(event -> event.2, ahead), arrayResize(settled, 2, 0))\n"
        "            ),\n"
        "            greatest(row_offset, if(empty(settled), -1, newest))\n"
        "        ) AS expected\n"
        "    FROM (SELECT organization, src_partition, bucket, hour, day, week, model, true AS is_row, "
        "offset AS position, toInt64(0) AS applied, [requests, cost_nano_usd] AS measured FROM rollup_small FINAL "
        f"WHERE grain = 'quarter' AND {INSIDE.format('bucket')} AND {NOT_OPEN} "
        "UNION ALL SELECT organization, src_partition, toStartOfFifteenMinutes(time), hour, day, week, model, false, "
        f"src_offset, {Cut.sql}, [toInt64(1), toInt64(cost_nano_usd)] FROM usage_raw FINAL "
        f"WHERE {INSIDE.format('time')} AND model != '' AND {NOT_OPEN})\n"
        "    GROUP BY organization, src_partition, bucket, hour, day, week, model\n"
        ")"
    )
    assert question.parameters == {**PART.parameters, "cut_partitions": [-1, 1026], "cut_offsets": [-1, 7]}


def test_only_what_differs_is_named() -> None:
    row = ("acme", 1026, "2026-03-01 10:00:00", ["gpt-4o"], [3, 50, 7], [3, 49, 7])
    found = QuartersAgainstRaw(SMALL, PART).read([(10, 1, [row], [(1026, "acme", date(2026, 3, 1))])])
    assert (found.rows, found.differing) == (10, 1)
    assert found.differences[0].expected == {"cost_nano_usd": 50}
    assert found.differences[0].stored == {"cost_nano_usd": 49}
    assert found.differences[0].dimensions == {"model": "gpt-4o"}
    assert found.places == {Place(1026, "acme", date(2026, 3, 1))}


def test_every_measure_is_a_column_of_raw_or_made_of_some() -> None:
    columns = {"cost_nano_usd", "billed_nano_usd", "credits_micro"}
    for family in FAMILIES:
        made = {measure for measure in family.measures if not measure.endswith("_tokens")} - columns
        assert made <= FROM_RAW.keys()


@pytest.mark.parametrize(
    ("grain", "finer", "period", "pending"),
    [
        ("hour", "quarter", "hour, day, week", "day"),
        ("day", "hour", "day, week", "day"),
        ("week", "day", "week", "week"),
    ],
)
def test_derived_rows_against_finer_ones(grain: str, finer: str, period: str, pending: str) -> None:
    text = DerivedAgainstFiner(SMALL, grain, PART).sql
    assert f"GROUP BY organization, src_partition, {period}, model" in text
    assert f"WHERE grain IN ('{finer}', '{grain}')" in text
    assert f"AND {INSIDE.format('bucket')}" in text
    assert (
        f"AND (src_partition, organization, {pending}) NOT IN "
        f"(SELECT src_partition, organization, date FROM pending_{pending}s)"
    ) in text


def test_a_week_that_differs_is_repaired_day_by_day() -> None:
    row = ("acme", 1026, "2026-03-02", ["gpt-4o"], [3, 50, 1], [3, 50, 2])
    found = DerivedAgainstFiner(SMALL, "week", PART).read([(1, 1, [row], [(1026, "acme", date(2026, 3, 2))])])
    assert (found.differences[0].expected, found.differences[0].stored) == ({"rows": 1}, {"rows": 2})
    assert sorted(place.day.day for place in found.places) == [2, 3, 4, 5, 6, 7, 8]


def test_histograms_of_hours_are_rebuilt_up_to_the_cut() -> None:
    text = LatencyAgainstSource("hour", PART).sql
    assert f"AND src_offset <= {Cut.sql}) WHERE isNotNull(measured.2)" in text
    assert "FROM rollup_latency FINAL WHERE grain = 'hour'" in text


def test_histograms_of_days_are_those_of_hours() -> None:
    text = LatencyAgainstSource("day", PART).sql
    assert "usage_raw" not in text
    assert "pair.1 AS bin, toInt64(0) AS in_source, pair.2 AS in_row" in text
    assert "FROM rollup_latency FINAL WHERE grain = 'hour'" in text
