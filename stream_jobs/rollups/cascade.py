"""Derives hours, days and weeks from finer rows: periods in, the INSERT … SELECT that recomputes them out.

Every derived row carries the applied offset of the flush it was read after and the epoch of its quarter hours, both
passed as constants (rule E5), so that whatever lands last is the newest. The owner of a partition derives, one
statement at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from warehouse.families import Family
from warehouse.latency_bins import METRICS, bin_sql
from warehouse.literals import quoted, second

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class DuePeriod:
    """A closed local day or week of one organisation in one partition; start and end in Unix seconds.

    epoch: the highest of its quarter hours; 0 until a repair.
    """

    src_partition: int
    organization: str
    date: date
    start: int
    end: int
    applied_offset: int
    epoch: int = 0


def _due(periods: Sequence[DuePeriod]) -> str:
    rows = ", ".join(
        f"({due.src_partition}, {quoted(due.organization)}, '{due.date}', {due.start}, {due.applied_offset}, "
        f"{due.epoch})"
        for due in periods
    )
    return (
        "values('due_partition UInt16, due_organization String, due_date Date, due_start DateTime(\\'UTC\\'), "
        f"due_offset Int64, due_epoch UInt32', {rows})"
    )


def _where(periods: Sequence[DuePeriod], instant: str) -> str:
    partitions = ", ".join(str(number) for number in sorted({due.src_partition for due in periods}))
    organizations = ", ".join(quoted(name) for name in sorted({due.organization for due in periods}))
    # A day wider on both sides: where midnight repeats, quarter hours of a date lie outside its own span.
    start, end = max(0, min(due.start for due in periods) - DAY_SECONDS), max(due.end for due in periods) + DAY_SECONDS
    return (
        f"src_partition IN ({partitions}) AND organization IN ({organizations}) "
        f"AND {instant} >= {second(start)} AND {instant} < {second(end)}"
    )


# grain -> (grain it is read from, bucket, hour, day, week, date that joins the due periods)
_SHAPES = {
    "hour": ("quarter", "source.hour", "source.hour", "source.day", "source.week", "day"),
    "day": ("hour", "due_start", "due_start", "source.day", "source.week", "day"),
    "week": ("day", "due_start", "due_start", "source.week", "source.week", "week"),
}


def derive(family: Family, grain: str, periods: Sequence[DuePeriod]) -> str:
    """Rows of `grain` (hour, day or week) of these days (for hour and day) or weeks, from the next finer grain."""
    finer, bucket, hour, day, week, joined = _SHAPES[grain]
    dimensions = ", ".join(family.dimensions)
    sums = ", ".join(f"sum(source.{measure})" for measure in family.measures)
    keys = ", ".join(f"source.{name}" for name in ("organization", *family.dimensions, "src_partition"))
    places = ", ".join(dict.fromkeys((bucket, hour, day, week, "due_offset", "due_epoch")))
    return (
        f"INSERT INTO {family.table} (grain, bucket, hour, day, week, organization, {dimensions}, src_partition, "
        f"{', '.join(family.measures)}, offset, epoch) "
        f"SELECT '{grain}', {bucket}, {hour}, {day}, {week}, {keys}, {sums}, due_offset, due_epoch "
        f"FROM (SELECT * FROM {family.table} FINAL WHERE grain = '{finer}' AND {_where(periods, 'bucket')}) AS source "
        f"INNER JOIN {_due(periods)} AS due ON source.src_partition = due_partition "
        f"AND source.organization = due_organization AND source.{joined} = due_date "
        f"GROUP BY {places}, {keys}"
    )


LATENCY_KEYS = "organization, provider, model, metric, src_partition"


def derive_latency(grain: str, periods: Sequence[DuePeriod]) -> str:
    """Histograms of `grain` (hour from raw events at or below the applied offset, day from hours, week from days)."""
    into = (
        "INSERT INTO rollup_latency (grain, bucket, hour, day, week, organization, provider, model, metric, "
        "src_partition, bins, counts, offset, epoch) "
    )
    if grain == "hour":
        return into + _hour_histograms(periods)
    finer, bucket, hour, day, week, joined = _SHAPES[grain]
    places = ", ".join(dict.fromkeys((bucket, hour, day, week, "due_offset", "due_epoch")))
    keys = ", ".join(f"source.{name}" for name in LATENCY_KEYS.split(", "))
    return into + (
        f"SELECT '{grain}', {bucket}, {hour}, {day}, {week}, {keys}, "
        "tupleElement(sumMap(source.bins, source.counts) AS merged, 1), tupleElement(merged, 2), due_offset, due_epoch "
        f"FROM (SELECT * FROM rollup_latency FINAL WHERE grain = '{finer}' AND {_where(periods, 'bucket')}) AS source "
        f"INNER JOIN {_due(periods)} AS due ON source.src_partition = due_partition "
        f"AND source.organization = due_organization AND source.{joined} = due_date "
        f"GROUP BY {places}, {keys}"
    )


def _hour_histograms(periods: Sequence[DuePeriod]) -> str:
    metrics = ", ".join(f"('{metric}', toNullable({value}))" for metric, value in METRICS.items())
    events = (
        "SELECT organization, provider, model, src_partition, hour, day, week, src_offset, "
        f"arrayJoin([{metrics}]) AS measured FROM usage_raw FINAL WHERE {_where(periods, 'time')}"
    )
    binned = (
        "SELECT organization, provider, model, src_partition, hour, day, week, due_offset, due_epoch, "
        f"tupleElement(measured, 1) AS metric, {bin_sql('assumeNotNull(tupleElement(measured, 2))')} AS bin, "
        "count() AS requests "
        f"FROM ({events}) AS source INNER JOIN {_due(periods)} AS due ON source.src_partition = due_partition "
        "AND source.organization = due_organization AND source.day = due_date "
        "WHERE src_offset <= due_offset AND isNotNull(tupleElement(measured, 2)) "
        "GROUP BY organization, provider, model, src_partition, hour, day, week, due_offset, due_epoch, metric, bin"
    )
    return (
        f"SELECT 'hour', hour, hour, day, week, {LATENCY_KEYS}, "
        "arrayMap(pair -> tupleElement(pair, 1), arraySort(groupArray((toUInt16(bin), toInt64(requests)))) AS pairs), "
        "arrayMap(pair -> tupleElement(pair, 2), pairs), due_offset, due_epoch "
        f"FROM ({binned}) GROUP BY hour, day, week, due_offset, due_epoch, {LATENCY_KEYS}"
    )
