"""The exact statements that derive hours, days and weeks: one small case for each grain."""

from datetime import date

from stream_jobs.rollups.cascade import DuePeriod, derive, derive_latency
from warehouse.families import Family
from warehouse.latency_bins import METRICS, bin_sql

FAMILY = Family("rollup_thread", ("thread_id",), ("requests", "errors"), only="thread_id")
DAY = DuePeriod(3, "acme", date(2026, 3, 28), 1000, 2000, 77)
OTHER_DAY = DuePeriod(1, "it's \\", date(2026, 3, 29), 2000, 3000, 9, epoch=4)
INTO = (
    "INSERT INTO rollup_thread (grain, bucket, hour, day, week, organization, thread_id, src_partition, requests, "
    "errors, offset, epoch) "
)
SUMS = (
    "source.organization, source.thread_id, source.src_partition, "
    "sum(source.requests), sum(source.errors), due_offset, due_epoch "
)
DUE_COLUMNS = (
    "values('due_partition UInt16, due_organization String, due_date Date, due_start DateTime(\\'UTC\\'), "
    "due_offset Int64, due_epoch UInt32', "
)
DUE = DUE_COLUMNS + "(3, 'acme', '2026-03-28', 1000, 77, 0)) AS due "
WHERE = (
    "src_partition IN (3) AND organization IN ('acme') AND bucket >= toDateTime64(0, 3, 'UTC') "
    "AND bucket < toDateTime64(88400, 3, 'UTC')"
)
JOINED = "INNER JOIN " + DUE + "ON source.src_partition = due_partition AND source.organization = due_organization "
KEYS = "source.organization, source.thread_id, source.src_partition"


def test_hours_are_summed_from_the_quarter_hours_of_a_day() -> None:
    assert derive(FAMILY, "hour", [DAY]) == (
        f"{INTO}SELECT 'hour', source.hour, source.hour, source.day, source.week, {SUMS}"
        f"FROM (SELECT * FROM rollup_thread FINAL WHERE grain = 'quarter' AND {WHERE}) AS source "
        f"{JOINED}AND source.day = due_date "
        f"GROUP BY source.hour, source.day, source.week, due_offset, due_epoch, {KEYS}"
    )


def test_days_are_summed_from_hours() -> None:
    assert derive(FAMILY, "day", [DAY]) == (
        f"{INTO}SELECT 'day', due_start, due_start, source.day, source.week, {SUMS}"
        f"FROM (SELECT * FROM rollup_thread FINAL WHERE grain = 'hour' AND {WHERE}) AS source "
        f"{JOINED}AND source.day = due_date "
        f"GROUP BY due_start, source.day, source.week, due_offset, due_epoch, {KEYS}"
    )


def test_weeks_are_summed_from_days() -> None:
    assert derive(FAMILY, "week", [DAY]) == (
        f"{INTO}SELECT 'week', due_start, due_start, source.week, source.week, {SUMS}"
        f"FROM (SELECT * FROM rollup_thread FINAL WHERE grain = 'day' AND {WHERE}) AS source "
        f"{JOINED}AND source.week = due_date "
        f"GROUP BY due_start, source.week, due_offset, due_epoch, {KEYS}"
    )


def test_many_periods_are_one_statement_over_their_whole_range() -> None:
    statement = derive(FAMILY, "day", [DAY, OTHER_DAY])
    assert "src_partition IN (1, 3) AND organization IN ('acme', 'it\\'s \\\\')" in statement
    assert "bucket >= toDateTime64(0, 3, 'UTC') AND bucket < toDateTime64(89400, 3, 'UTC')" in statement
    rows = "(3, 'acme', '2026-03-28', 1000, 77, 0), (1, 'it\\'s \\\\', '2026-03-29', 2000, 9, 4)"
    assert f"{DUE_COLUMNS}{rows}) AS due" in statement


INTO_LATENCY = (
    "INSERT INTO rollup_latency (grain, bucket, hour, day, week, organization, provider, model, metric, src_partition, "
    "bins, counts, offset, epoch) "
)
LATENCY_KEYS = "organization, provider, model, metric, src_partition"
SOURCE_KEYS = ", ".join(f"source.{name}" for name in LATENCY_KEYS.split(", "))


def test_histograms_of_hours_are_counted_from_raw_events_up_to_the_applied_offset() -> None:
    metrics = ", ".join(f"('{metric}', toNullable({value}))" for metric, value in METRICS.items())
    assert derive_latency("hour", [DAY]) == (
        f"{INTO_LATENCY}SELECT 'hour', hour, hour, day, week, {LATENCY_KEYS}, "
        "arrayMap(pair -> tupleElement(pair, 1), arraySort(groupArray((toUInt16(bin), toInt64(requests)))) AS pairs), "
        "arrayMap(pair -> tupleElement(pair, 2), pairs), due_offset, due_epoch "
        "FROM (SELECT organization, provider, model, src_partition, hour, day, week, due_offset, due_epoch, "
        f"tupleElement(measured, 1) AS metric, {bin_sql('assumeNotNull(tupleElement(measured, 2))')} AS bin, "
        "count() AS requests "
        "FROM (SELECT organization, provider, model, src_partition, hour, day, week, src_offset, "
        f"arrayJoin([{metrics}]) AS measured FROM usage_raw FINAL WHERE {WHERE.replace('bucket', 'time')}) AS source "
        f"{JOINED}AND source.day = due_date "
        "WHERE src_offset <= due_offset AND isNotNull(tupleElement(measured, 2)) "
        "GROUP BY organization, provider, model, src_partition, hour, day, week, due_offset, due_epoch, metric, bin) "
        f"GROUP BY hour, day, week, due_offset, due_epoch, {LATENCY_KEYS}"
    )


def test_histograms_of_days_and_weeks_are_merged_from_the_next_finer_grain() -> None:
    merged = (
        "tupleElement(sumMap(source.bins, source.counts) AS merged, 1), tupleElement(merged, 2), due_offset, due_epoch "
    )
    for grain, finer, own in (("day", "hour", "day"), ("week", "day", "week")):
        day = f"source.{own}"
        places = (
            f"due_start, {day}, source.week, due_offset, due_epoch"
            if own == "day"
            else f"due_start, {day}, due_offset, due_epoch"
        )
        assert derive_latency(grain, [DAY]) == (
            f"{INTO_LATENCY}SELECT '{grain}', due_start, due_start, {day}, source.week, {SOURCE_KEYS}, {merged}"
            f"FROM (SELECT * FROM rollup_latency FINAL WHERE grain = '{finer}' AND {WHERE}) AS source "
            f"{JOINED}AND source.{own} = due_date GROUP BY {places}, {SOURCE_KEYS}"
        )
