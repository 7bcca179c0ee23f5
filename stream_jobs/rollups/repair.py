"""Computes days of organisations again from raw events: a bundle in, the statements that rewrite its rows out.

Quarter hours are summed from deduplicated raw events up to the bundle's cut, under an epoch above all that exist; a key
without any event is written as zero. No statement writes anything once the partition's progress has left the cut: what
a frozen worker sends late changes nothing.
"""

from stream_jobs.rollups.bundle import Bundle
from stream_jobs.rollups.cascade import LATENCY_KEYS
from warehouse.families import FAMILIES, ROLLUP_TABLES, Family
from warehouse.raw_measures import raw_values


def highest_epoch(work: Bundle) -> str:
    """One number: the highest epoch of any row or request that a new one must stand above."""
    rows = [f"SELECT max(epoch) AS epoch FROM {table} WHERE {work.of_weeks('bucket')}" for table in ROLLUP_TABLES]
    asked = f"SELECT max(epoch) FROM repairs WHERE {work.of_organizations()}"
    return f"SELECT max(epoch) FROM ({' UNION ALL '.join([*rows, asked])})"


def events_per_quarter(work: Bundle) -> str:
    """(start in Unix seconds, raw rows) of quarter hours with raw events or rollup rows of the days, in order; old
    versions counted in."""
    rolled_up = " UNION ALL ".join(
        f"SELECT bucket AS start, 0 FROM {family.table} "
        f"WHERE grain = 'quarter' AND {work.of_days('bucket')} GROUP BY start"
        for family in FAMILIES
    )
    return (
        "SELECT toUnixTimestamp(start), toInt64(sum(events)) FROM ("
        "SELECT toStartOfFifteenMinutes(time) AS start, count() AS events FROM usage_raw "
        f"WHERE {work.of_days('time')} GROUP BY start UNION ALL {rolled_up}) "
        "GROUP BY start ORDER BY start"
    )


def quarters(family: Family, work: Bundle, since: int, until: int) -> str:
    """Rewrites the quarter hours of a family in [since, until), a part of what lies around the days (Unix seconds)."""
    return _written(
        family, work, f"{_from_raw(family, work, since, until)} UNION ALL {_zeros(family, work, since, until)}"
    )


def built_beside(family: Family, work: Bundle, since: int, until: int) -> str:
    """Sums the same quarter hours into the family's table of replayed rows; nothing that is in use changes."""
    return _written(family, work, _from_raw(family, work, since, until), beside=True)


def switched(family: Family, work: Bundle, built_at: int) -> str:
    """Puts the replayed rows of the days, built at the cut `built_at`, in the place of those in use."""
    dimensions, names = ", ".join(family.dimensions), _sums(family)
    values = ", ".join(f"{measure} AS {name}" for measure, name in zip(family.measures, names, strict=True))
    built = (
        f"SELECT bucket AS quarter, hour, day, week, organization, {dimensions}, src_partition, {values}, 0 AS stored "
        f"FROM replayed_{family.table} FINAL WHERE {work.of_days('bucket')} "
        f"AND epoch = {work.epoch} AND offset = {built_at}"
    )
    return _written(family, work, f"{built} UNION ALL {_zeros(family, work, *work.around())}", offset=built_at)


def differing(family: Family, work: Bundle, built_at: int) -> str:
    """(organization, day, replayed rows that are not what is in use), where both are about the same events."""
    columns = ", ".join(("organization", "day", "bucket", *family.dimensions, *family.measures))
    within = work.of_days("bucket")
    old = (
        f"SELECT {columns} FROM {family.table} FINAL WHERE grain = 'quarter' AND {within} AND offset <= {built_at} "
        f"AND {' + '.join(f'abs({name})' for name in family.measures)} != 0"
    )
    new = f"SELECT {columns} FROM replayed_{family.table} FINAL WHERE {within} AND epoch = {work.epoch}"
    return f"SELECT toString(organization), day, toInt64(count()) FROM ({old} EXCEPT {new}) GROUP BY organization, day"


def changed_since(work: Bundle, built_at: int) -> str:
    """Starts (Unix seconds) of quarter hours of the days that got events after the cut `built_at`."""
    return (
        "SELECT DISTINCT toUnixTimestamp(toStartOfFifteenMinutes(time)) AS start FROM usage_raw "
        f"WHERE {work.of_days('time')} AND src_offset > {built_at} AND src_offset <= {work.cut} "
        "ORDER BY start"
    )


def _sums(family: Family) -> list[str]:
    return [f"m{number}" for number in range(len(family.measures))]


def _from_raw(family: Family, work: Bundle, since: int, until: int) -> str:
    values = ", ".join(f"{value} AS {name}" for value, name in zip(raw_values(family), _sums(family), strict=True))
    only = f" AND {family.only} != ''" if family.only else ""
    return (
        f"SELECT toStartOfFifteenMinutes(time) AS quarter, hour, day, week, organization, "
        f"{', '.join(family.dimensions)}, src_partition, {values}, 0 AS stored FROM usage_raw FINAL "
        f"WHERE {work.of_days('time', since, until)} AND src_offset <= {work.cut}{only}"
    )


def _zeros(family: Family, work: Bundle, since: int, until: int) -> str:
    """What is in use counts nothing unless something else stands for it."""
    zeros = ", ".join("toInt64(0)" for _ in family.measures)
    return (
        f"SELECT bucket, hour, day, week, organization, {', '.join(family.dimensions)}, src_partition, {zeros}, 1 "
        f"FROM {family.table} FINAL WHERE grain = 'quarter' AND {work.of_days('bucket', since, until)}"
    )


def _written(family: Family, work: Bundle, rows: str, *, beside: bool = False, offset: int | None = None) -> str:
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


def emptied(family: Family, grain: str, work: Bundle, epoch: int) -> str:
    """Writes zeros under `epoch` into the hours, the days or the weeks that carry a lower one."""
    zeros = ", ".join("0" for _ in family.measures)
    columns = f"grain, bucket, hour, day, week, organization, {', '.join(family.dimensions)}, src_partition"
    return (
        f"INSERT INTO {family.table} ({columns}, {', '.join(family.measures)}, offset, epoch) "
        f"SELECT {columns}, {zeros}, {work.cut}, {epoch} FROM {family.table} FINAL WHERE {_lower(grain, work, epoch)}"
    )


def emptied_latency(grain: str, work: Bundle, epoch: int) -> str:
    """The same for the histograms."""
    columns = f"grain, bucket, hour, day, week, {LATENCY_KEYS}"
    return (
        f"INSERT INTO rollup_latency ({columns}, bins, counts, offset, epoch) "
        f"SELECT {columns}, [], [], {work.cut}, {epoch} FROM rollup_latency FINAL WHERE {_lower(grain, work, epoch)}"
    )


def _lower(grain: str, work: Bundle, epoch: int) -> str:
    of_period = work.of_weeks("bucket") if grain == "week" else work.of_days("bucket")
    return f"grain = '{grain}' AND {of_period} AND epoch < {epoch} AND {work.still_at_cut}"
