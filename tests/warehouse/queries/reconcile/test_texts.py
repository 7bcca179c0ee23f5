"""The text of the comparisons, on a family small enough to read."""

from datetime import date

import pytest

from warehouse.families import FAMILIES, Family
from warehouse.queries.reconcile.derived import DerivedAgainstQuarters
from warehouse.queries.reconcile.latency import LatencyAgainstRaw
from warehouse.queries.reconcile.part import Cut, Part
from warehouse.queries.reconcile.quarters import QuartersAgainstRaw
from warehouse.raw_measures import FROM_RAW

SMALL = Family("rollup_small", ("model",), ("requests", "cost_nano_usd"), only="model")
PART = Part(date(2026, 3, 1), date(2026, 3, 2))
INSIDE = (
    "day >= {{first:Date}} AND day <= {{last:Date}} AND {0} >= toDateTime({{first:Date}}, 'UTC') - toIntervalDay(2) "
    "AND {0} < toDateTime({{last:Date}}, 'UTC') + toIntervalDay(3)"
)


def test_quarters_against_raw() -> None:
    question = QuartersAgainstRaw(SMALL, PART, Cut({1026: 7}))
    assert question.sql == (
        "SELECT\n"
        "    count() AS compared,\n"
        "    countIf(expected != stored) AS differing,\n"
        "    groupArrayIf(200)\n"
        "        ((organization, src_partition, toString(bucket), [toString(model)], expected, stored), "
        "expected != stored)\n"
        "FROM\n"
        "(\n"
        "    SELECT\n"
        "        organization, src_partition, bucket, hour, day, week, model,\n"
        "        max(if(is_row, position, -1)) AS row_offset,\n"
        "        arrayResize(sumForEachIf(measured, is_row), 2, 0) AS stored,\n"
        "        sumForEachIf(measured, NOT is_row AND position <= applied) AS settled,\n"
        "        groupArrayIf((position, measured), NOT is_row AND position > applied) AS behind,\n"
        "        arrayReduce(\n"
        "            'sumForEach',\n"
        "            arrayPushBack(\n"
        "                arrayMap(event -> event.2, arrayFilter(event -> event.1 <= row_offset, behind)),\n"
        "                arrayResize(settled, 2, 0)\n"
        "            )\n"
        "        ) AS expected\n"
        "    FROM (SELECT organization, src_partition, toStartOfFifteenMinutes(time) AS bucket, hour, day, week, "
        f"model, false AS is_row, src_offset AS position, {Cut.sql} AS applied, [toInt64(1), toInt64(cost_nano_usd)] "
        f"AS measured FROM usage_raw FINAL WHERE {INSIDE.format('time')} AND model != '' "
        "UNION ALL SELECT organization, src_partition, bucket, hour, day, week, model, true, offset, toInt64(0), "
        f"[requests, cost_nano_usd] FROM rollup_small FINAL WHERE grain = 'quarter' AND {INSIDE.format('bucket')})\n"
        "    GROUP BY organization, src_partition, bucket, hour, day, week, model\n"
        ")"
    )
    assert question.parameters == {
        "first": "2026-03-01",
        "last": "2026-03-02",
        "cut_partitions": [-1, 1026],
        "cut_offsets": [-1, 7],
    }


def test_only_what_differs_is_named() -> None:
    row = ("acme", 1026, "2026-03-01 10:00:00", ["gpt-4o"], [3, 50], [3, 49])
    found = QuartersAgainstRaw(SMALL, PART).read([(10, 1, [row])])
    assert (found.rows, found.differing) == (10, 1)
    assert found.differences[0].expected == {"cost_nano_usd": 50}
    assert found.differences[0].stored == {"cost_nano_usd": 49}
    assert found.differences[0].dimensions == {"model": "gpt-4o"}


def test_every_measure_is_a_column_of_raw_or_made_of_some() -> None:
    columns = {"cost_nano_usd", "billed_nano_usd", "credits_micro"}
    for family in FAMILIES:
        made = {measure for measure in family.measures if not measure.endswith("_tokens")} - columns
        assert made <= FROM_RAW.keys()


@pytest.mark.parametrize(
    ("grain", "period", "pending"),
    [("hour", "hour, day, week", "day"), ("day", "day, week", "day"), ("week", "week", "week")],
)
def test_derived_rows_against_quarters(grain: str, period: str, pending: str) -> None:
    text = DerivedAgainstQuarters(SMALL, grain, PART).sql
    assert f"GROUP BY organization, src_partition, {period}, model" in text
    assert f"WHERE grain IN ('quarter', '{grain}') AND {INSIDE.format('bucket')}" in text
    assert (
        f"AND (src_partition, organization, {pending}) NOT IN "
        f"(SELECT src_partition, organization, date FROM pending_{pending}s)"
    ) in text


def test_histograms_are_rebuilt_up_to_the_cut() -> None:
    text = LatencyAgainstRaw("day", PART).sql
    assert f"AND src_offset <= {Cut.sql}) WHERE isNotNull(measured.2)" in text
    assert "FROM rollup_latency FINAL WHERE grain = 'day'" in text
