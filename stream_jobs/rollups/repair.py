"""Computes one day of one organisation again from raw events: a slice in, the statements that rewrite its rows out.

Quarter hours are summed from deduplicated raw events up to the slice's cut, under an epoch above all that exist; a key
without any event is written as zero. No statement writes anything once the partition's progress has left the cut: what
a frozen worker sends late changes nothing.
"""

from dataclasses import dataclass
from datetime import date

from stream_jobs.rollups.cascade import DAY_SECONDS, LATENCY_KEYS
from warehouse.families import FAMILIES, ROLLUP_TABLES, Family
from warehouse.literals import quoted
from warehouse.raw_measures import raw_values

WEEK_SECONDS = 8 * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Slice:
    """One local day of one organisation in one log partition; start and end in Unix seconds.

    week: first date of its week. cut: applied offset up to which raw events count. epoch: that of the new rows.
    """

    src_partition: int
    organization: str
    day: date
    week: date
    start: int
    end: int
    cut: int
    epoch: int = 0

    def around(self, seconds: int = DAY_SECONDS) -> tuple[int, int]:
        """The day and so much before and after it, from and until; wider than it, because midnights repeat."""
        return max(0, self.start - seconds), self.end + seconds

    def where(self, instant: str, around_seconds: int = DAY_SECONDS) -> str:
        """The organisation's rows around the day."""
        return self.within(instant, *self.around(around_seconds))

    def within(self, instant: str, since: int, until: int) -> str:
        """The organisation's rows in [since, until), Unix seconds."""
        return (
            f"src_partition = {self.src_partition} AND organization = {quoted(self.organization)} "
            f"AND {instant} >= toDateTime({since}, 'UTC') AND {instant} < toDateTime({until}, 'UTC')"
        )

    @property
    def still_at_cut(self) -> str:
        """True while nothing beyond the cut is applied."""
        return still_applied(self.src_partition, self.cut)


def still_applied(partition: int, applied: int) -> str:
    """True while the partition's progress is where it was."""
    now = f"SELECT maxOrNull(applied_offset) FROM partition_progress WHERE src_partition = {partition}"
    return f"ifNull(({now}), -1) = {applied}"


def highest_epoch(work: Slice) -> str:
    """One number: the highest epoch of any row or request that a new one must stand above."""
    rows = [
        f"SELECT max(epoch) AS epoch FROM {table} WHERE {work.where('bucket', WEEK_SECONDS)} AND week = '{work.week}'"
        for table in ROLLUP_TABLES
    ]
    asked = (
        f"SELECT max(epoch) FROM repairs WHERE src_partition = {work.src_partition} "
        f"AND organization = {quoted(work.organization)}"
    )
    return f"SELECT max(epoch) FROM ({' UNION ALL '.join([*rows, asked])})"


def events_per_quarter(work: Slice) -> str:
    """(start in Unix seconds, raw rows) of the day's quarter hours with raw events or rollup rows, in order; old
    versions counted in."""
    rolled_up = " UNION ALL ".join(
        f"SELECT bucket AS start, 0 FROM {family.table} "
        f"WHERE grain = 'quarter' AND {work.where('bucket')} AND day = '{work.day}' GROUP BY start"
        for family in FAMILIES
    )
    return (
        "SELECT toUnixTimestamp(start), toInt64(sum(events)) FROM ("
        "SELECT toStartOfFifteenMinutes(time) AS start, count() AS events FROM usage_raw "
        f"WHERE {work.where('time')} AND day = '{work.day}' GROUP BY start UNION ALL {rolled_up}) "
        "GROUP BY start ORDER BY start"
    )


def quarters(family: Family, work: Slice, since: int, until: int) -> str:
    """Rewrites the quarter hours of a family in [since, until), a part of what lies around the day (Unix seconds)."""
    return _written(
        family, work, f"{_from_raw(family, work, since, until)} UNION ALL {_zeros(family, work, since, until)}"
    )


def built_beside(family: Family, work: Slice, since: int, until: int) -> str:
    """Sums the same quarter hours into the family's table of replayed rows; nothing that is in use changes."""
    return _written(family, work, _from_raw(family, work, since, until), beside=True)


def switched(family: Family, work: Slice, built_at: int) -> str:
    """Puts the day's replayed rows, built at the cut `built_at`, in the place of those in use."""
    since, until = work.around()
    dimensions, names = ", ".join(family.dimensions), _sums(family)
    values = ", ".join(f"{measure} AS {name}" for measure, name in zip(family.measures, names, strict=True))
    built = (
        f"SELECT bucket AS quarter, hour, day, week, organization, {dimensions}, src_partition, {values}, 0 AS stored "
        f"FROM replayed_{family.table} FINAL WHERE {work.within('bucket', since, until)} AND day = '{work.day}' "
        f"AND epoch = {work.epoch} AND offset = {built_at}"
    )
    return _written(family, work, f"{built} UNION ALL {_zeros(family, work, since, until)}", offset=built_at)


def differing(family: Family, work: Slice, built_at: int) -> str:
    """How many of the day's replayed rows are not what is in use, where both are about the same events: one number."""
    since, until = work.around()
    columns = ", ".join(("bucket", *family.dimensions, *family.measures))
    within = f"{work.within('bucket', since, until)} AND day = '{work.day}'"
    old = (
        f"SELECT {columns} FROM {family.table} FINAL WHERE grain = 'quarter' AND {within} AND offset <= {built_at} "
        f"AND {' + '.join(f'abs({name})' for name in family.measures)} != 0"
    )
    new = f"SELECT {columns} FROM replayed_{family.table} FINAL WHERE {within} AND epoch = {work.epoch}"
    return f"SELECT toInt64(count()) FROM ({old} EXCEPT {new})"


def changed_since(work: Slice, built_at: int) -> str:
    """Starts (Unix seconds) of the day's quarter hours that got events after the cut `built_at`."""
    return (
        "SELECT DISTINCT toUnixTimestamp(toStartOfFifteenMinutes(time)) AS start FROM usage_raw "
        f"WHERE {work.where('time')} AND day = '{work.day}' AND src_offset > {built_at} AND src_offset <= {work.cut} "
        "ORDER BY start"
    )


def _sums(family: Family) -> list[str]:
    return [f"m{number}" for number in range(len(family.measures))]


def _from_raw(family: Family, work: Slice, since: int, until: int) -> str:
    values = ", ".join(f"{value} AS {name}" for value, name in zip(raw_values(family), _sums(family), strict=True))
    only = f" AND {family.only} != ''" if family.only else ""
    return (
        f"SELECT toStartOfFifteenMinutes(time) AS quarter, hour, day, week, organization, "
        f"{', '.join(family.dimensions)}, src_partition, {values}, 0 AS stored FROM usage_raw FINAL "
        f"WHERE {work.within('time', since, until)} AND day = '{work.day}' AND src_offset <= {work.cut}{only}"
    )


def _zeros(family: Family, work: Slice, since: int, until: int) -> str:
    """What is in use counts nothing unless something else stands for it."""
    zeros = ", ".join("toInt64(0)" for _ in family.measures)
    return (
        f"SELECT bucket, hour, day, week, organization, {', '.join(family.dimensions)}, src_partition, {zeros}, 1 "
        f"FROM {family.table} FINAL WHERE grain = 'quarter' AND {work.within('bucket', since, until)} "
        f"AND day = '{work.day}'"
    )


def _written(family: Family, work: Slice, rows: str, *, beside: bool = False, offset: int | None = None) -> str:
    dimensions, sums = ", ".join(family.dimensions), ", ".join(f"sum({name})" for name in _sums(family))
    table = f"replayed_{family.table}" if beside else family.table
    fence = "" if beside else f"WHERE {work.still_at_cut} "
    return (
        f"INSERT INTO {table} (grain, bucket, hour, day, week, organization, {dimensions}, src_partition, "
        f"{', '.join(family.measures)}, offset, epoch) "
        f"SELECT 'quarter', quarter, argMin(hour, stored), argMin(day, stored), argMin(week, stored), organization, "
        f"{dimensions}, src_partition, {sums}, {work.cut if offset is None else offset}, {work.epoch} FROM ({rows}) "
        f"{fence}GROUP BY quarter, organization, {dimensions}, src_partition"
    )


def emptied(family: Family, grain: str, work: Slice, epoch: int) -> str:
    """Writes zeros under `epoch` into the hours, the day or the week that carry a lower one."""
    zeros = ", ".join("0" for _ in family.measures)
    columns = f"grain, bucket, hour, day, week, organization, {', '.join(family.dimensions)}, src_partition"
    return (
        f"INSERT INTO {family.table} ({columns}, {', '.join(family.measures)}, offset, epoch) "
        f"SELECT {columns}, {zeros}, {work.cut}, {epoch} FROM {family.table} FINAL WHERE {_lower(grain, work, epoch)}"
    )


def emptied_latency(grain: str, work: Slice, epoch: int) -> str:
    """The same for the histograms."""
    columns = f"grain, bucket, hour, day, week, {LATENCY_KEYS}"
    return (
        f"INSERT INTO rollup_latency ({columns}, bins, counts, offset, epoch) "
        f"SELECT {columns}, [], [], {work.cut}, {epoch} FROM rollup_latency FINAL WHERE {_lower(grain, work, epoch)}"
    )


def _lower(grain: str, work: Slice, epoch: int) -> str:
    of_period = f"week = '{work.week}'" if grain == "week" else f"day = '{work.day}'"
    around = WEEK_SECONDS if grain == "week" else DAY_SECONDS
    return (
        f"grain = '{grain}' AND {work.where('bucket', around)} AND {of_period} AND epoch < {epoch} "
        f"AND {work.still_at_cut}"
    )
