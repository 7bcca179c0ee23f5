"""The SQL a worker asks when it resumes or needs rows: values in, text out. Texts are quoted, numbers are ints."""

from collections.abc import Iterable, Mapping, Sequence

from stream_jobs.rollups.bundle import still_applied
from stream_jobs.rollups.pairs import PLACE
from warehouse.families import FAMILIES, ROLLUP_TABLES, Family
from warehouse.literals import quoted, second
from warehouse.set_apart import not_set_apart

Pair = tuple[int, str, int]
"""(src_partition, organization, bucket in Unix seconds)."""


def listed(values: Iterable[object]) -> str:
    """Numbers or quoted texts between commas."""
    return ", ".join(quoted(value) if isinstance(value, str) else str(value) for value in values)


def progress(topic: str, partitions: Sequence[int]) -> str:
    """One row per partition that has progress, in the order of the fields of Progress."""
    newest = ", ".join(
        f"argMax({column}, applied_offset)"
        for column in (
            "toUnixTimestamp64Milli(applied_time)",
            "topic_id",
            "seen",
            "accepted",
            "duplicates",
            "rejected",
            "misrouted",
        )
    )
    return (
        f"SELECT src_partition, max(applied_offset), {newest} FROM partition_progress "
        f"WHERE topic = {quoted(topic)} AND src_partition IN ({listed(partitions)}) GROUP BY src_partition"
    )


def foreign_topics(topic: str, partitions: Sequence[int]) -> str:
    """Log partitions that were counted from a topic of another name, and that name."""
    return (
        "SELECT src_partition, argMax(topic, written) AS newest FROM partition_progress FINAL "
        f"WHERE src_partition IN ({listed(partitions)}) GROUP BY src_partition HAVING newest != {quoted(topic)}"
    )


def last_stored_offsets(partitions: Sequence[int]) -> str:
    """The offset of the last stored event of each log partition that has any."""
    return (
        "SELECT src_partition, max(src_offset) FROM event_id_log "
        f"WHERE src_partition IN ({listed(partitions)}) GROUP BY src_partition"
    )


def newest_ids(partition: int, applied: int, count: int) -> str:
    """The last `count` accepted events at or below `applied`, newest first; of erased ones (`erased`) the hash."""
    stored, tombstones = (
        f"SELECT toString(organization) AS organization, {identity} AS event_id, "
        "toUnixTimestamp64Milli(time) AS time_ms, toUnixTimestamp64Milli(append_time) AS append_ms, src_offset, "
        f"src_index, {erased} AS erased FROM {table} WHERE src_partition = {partition} AND src_offset <= {applied} "
        "ORDER BY src_partition DESC, src_offset DESC, src_index DESC "
        f"LIMIT 1 BY src_offset, src_index LIMIT {count}"
        for table, identity, erased in (("event_id_log", "event_id", "false"), ("tombstones", "id_hash", "true"))
    )
    return (
        "SELECT organization, event_id, time_ms, append_ms, src_offset, erased "
        f"FROM (({stored}) UNION ALL ({tombstones})) "
        "ORDER BY src_offset DESC, src_index DESC, erased DESC "
        f"LIMIT 1 BY src_offset, src_index LIMIT {count}"
    )


def stored_events(spans: Mapping[int, tuple[int, int]]) -> str:
    """How many accepted events are stored in (applied, top] of each partition: (src_partition, events)."""
    places = " OR ".join(
        f"(src_partition = {number} AND src_offset > {applied} AND src_offset <= {top})"
        for number, (applied, top) in spans.items()
    )
    place = "bitShiftLeft(src_offset, 32) + src_index"  # one number of 64 bits: half the time of a pair
    return f"SELECT src_partition, toInt64(uniqExact({place})) FROM event_id_log WHERE {places} GROUP BY src_partition"


def newest_append_before(partition: int, offset: int, than_ms: int) -> str:
    """The highest append time (Unix ms) of accepted events below `offset` that is above `than_ms`; 0 without any."""
    where = (
        f"WHERE src_partition = {partition} AND src_offset < {offset} "
        f"AND append_time > fromUnixTimestamp64Milli({than_ms}, 'UTC')"
    )
    return f"SELECT toUnixTimestamp64Milli(max(append_time)) FROM {_accepted('append_time', where)}"


def times_ahead(partition: int, offset: int, than_ms: int, future_ms: int) -> str:
    """Times (Unix ms) after `than_ms` of accepted events up to `offset`: their senders' clocks were ahead.

    future_ms: by so much at most; what was appended earlier cannot be among them and is not read.
    """
    where = (
        f"WHERE src_partition = {partition} AND src_offset <= {offset} "
        f"AND time > fromUnixTimestamp64Milli({than_ms}, 'UTC') "
        f"AND append_time >= fromUnixTimestamp64Milli({max(0, than_ms - future_ms)}, 'UTC')"
    )
    return f"SELECT DISTINCT toUnixTimestamp64Milli(time) FROM {_accepted('time', where)}"


def _accepted(column: str, where: str) -> str:
    """One column of accepted events, erased ones among them."""
    return f"(SELECT {column} FROM event_id_log {where} UNION ALL SELECT {column} FROM tombstones {where})"


def tombstoned_organizations() -> str:
    """The organisations that have erased events, and the check value of the key that made their hashes."""
    return "SELECT DISTINCT toString(organization), key_check FROM tombstones"


def highest_buckets(partitions: Sequence[int]) -> str:
    """Per partition and organisation the newest quarter hour that has a row in any family.

    Any family: a flush or a repair that died half-way may have left rows in some of them only.
    """
    rows = " UNION ALL ".join(
        f"SELECT src_partition, organization, max(bucket) AS newest FROM {family.table} "
        f"WHERE grain = 'quarter' AND src_partition IN ({listed(partitions)}) GROUP BY src_partition, organization"
        for family in FAMILIES
    )
    return (
        f"SELECT src_partition, toString(organization), toUnixTimestamp(max(newest)) FROM ({rows}) "
        "GROUP BY src_partition, organization"
    )


def pending_periods(partitions: Sequence[int]) -> str:
    """Days and weeks that were touched after they were last derived."""
    return (
        "SELECT src_partition, toString(organization), toString(grain), date, maxIf(offset, kind = 'touched') "
        "FROM touched_periods "
        f"WHERE src_partition IN ({listed(partitions)}) GROUP BY src_partition, organization, grain, date "
        "HAVING maxIf(offset + 1, kind = 'touched') > maxIf(offset + 1, kind = 'done')"
    )


def raised_epochs(grain: str, partitions: Sequence[int], organizations: Sequence[str], start: int, end: int) -> str:
    """Days or weeks in [start, end) that were repaired: (src_partition, organization, date, epoch).

    Derived rows count too: a day without events that was repaired has no quarter hour that would tell.
    """
    grains = "'quarter', 'hour', 'day'" + (", 'week'" if grain == "week" else "")
    rows = " UNION ALL ".join(
        f"SELECT src_partition, organization, {grain} AS first, max(epoch) AS highest FROM {table} "
        f"WHERE grain IN ({grains}) AND src_partition IN ({listed(partitions)}) "
        f"AND organization IN ({listed(organizations)}) "
        f"AND bucket >= {second(start)} AND bucket < {second(end)} AND epoch > 0 "
        f"GROUP BY src_partition, organization, {grain}"
        for table in ROLLUP_TABLES
    )
    return (
        f"SELECT src_partition, toString(organization), first, max(highest) FROM ({rows}) "
        "GROUP BY src_partition, organization, first"
    )


def days_beyond(partition: int, applied: int) -> str:
    """(organization, day) of every quarter hour that holds more than what is applied."""
    rows = " UNION ALL ".join(
        f"SELECT organization, day FROM {family.table} FINAL "
        f"WHERE grain = 'quarter' AND src_partition = {partition} AND offset > {applied}"
        for family in FAMILIES
    )
    return f"SELECT DISTINCT toString(organization), day FROM ({rows})"


def has_foreign_events(partition: int, applied: int, logic_version: int) -> str:
    """One row when events behind what is applied were written by other rules."""
    return f"SELECT 1 FROM event_id_log WHERE {_foreign(partition, applied, logic_version)} LIMIT 1"


def foreign_events_deleted(table: str, partition: int, applied: int, logic_version: int) -> str:
    """Deletes what other rules wrote behind what is applied. event_id_lookup, which does not know the rules, comes
    before the log that does. Arriving late it deletes nothing: progress has moved on, or the rules in force wrote."""
    fence = still_applied(partition, applied)
    if table != "event_id_lookup":
        return f"DELETE FROM {table} WHERE {_foreign(partition, applied, logic_version)} AND {fence}"
    places = f"SELECT src_offset, src_index FROM event_id_log FINAL WHERE {_foreign(partition, applied, logic_version)}"
    return (
        f"DELETE FROM {table} WHERE src_partition = {partition} AND src_offset > {applied} "
        f"AND (src_offset, src_index) IN ({places}) AND {fence}"
    )


def _foreign(partition: int, applied: int, logic_version: int) -> str:
    return f"src_partition = {partition} AND src_offset > {applied} AND logic_version != {logic_version}"


def family_rows(family: Family, partitions: Sequence[int], keys: Sequence[str]) -> str:
    """All stored quarter rows of these partitions whose columns `keys` are in the table `asked`.

    The newest version of each is chosen here: FINAL would merge everything that lies beside them first, which takes
    half as long again.
    """
    key = ", ".join(("organization", "bucket", *family.dimensions, "src_partition"))
    dimensions = ", ".join(f"toString({name}) AS {name}_text" for name in family.dimensions)
    measures = ", ".join(family.measures)
    columns = ", ".join(keys)
    return (
        f"SELECT src_partition, toString(organization) AS organization_text, toUnixTimestamp(bucket) AS bucket_s, "
        f"{dimensions}, toUnixTimestamp(hour) AS hour_s, day, week, {measures}, offset, epoch "
        f"FROM {family.table} WHERE grain = 'quarter' AND src_partition IN ({listed(partitions)}) "
        f"AND ({columns}) IN (SELECT {columns} FROM asked) ORDER BY ver DESC LIMIT 1 BY {key}"
    )


def row_counts(partitions: Sequence[int]) -> str:
    """How many rows of all families are stored at most, by partition and (organization, bucket) of `asked`."""
    tables = " UNION ALL ".join(
        f"SELECT src_partition, organization, bucket, count() AS rows FROM {family.table} "
        f"WHERE grain = 'quarter' AND src_partition IN ({listed(partitions)}) "
        "AND (organization, bucket) IN (SELECT organization, bucket FROM asked) "
        "GROUP BY src_partition, organization, bucket"
        for family in FAMILIES
    )
    return (
        "SELECT src_partition, toString(organization) AS organization_text, toUnixTimestamp(bucket) AS bucket_s, "
        f"sum(rows) AS total FROM ({tables}) GROUP BY src_partition, organization, bucket"
    )


def family_columns(family: Family) -> list[str]:
    """Names of the columns that family_rows returns, in order."""
    return ["src_partition", "organization", "bucket", *family.dimensions, *PLACE, *family.measures, "offset", "epoch"]


def earlier_copies(*tables: str) -> str:
    """Stored positions of the (organization, time, event_id) of the table `asked`.

    tables: event_id_lookup, and tombstones where `asked` holds hashes too.
    """
    identities = {"event_id_lookup": "event_id", "tombstones": "id_hash"}
    return " UNION ALL ".join(
        f"SELECT toString(organization) AS organization_text, time, {identities[table]} AS event_id, "
        "src_partition AS first_partition, src_offset AS first_offset, src_index AS first_index "
        f"FROM {table} WHERE (organization, time, {identities[table]}) "
        "IN (SELECT organization, time, event_id FROM asked)"
        for table in tables
    )


def organizations(names: Sequence[str]) -> str:
    """Every calendar of these organisations (organization, from when in Unix seconds, time_zone, week_start): the one
    that holds from the beginning first, then the changes in the order in which the log told them.
    """
    return (
        "SELECT organization, toUnixTimestamp(effective_from), toString(time_zone), week_start "
        f"FROM organizations FINAL WHERE organization IN ({listed(names)}) "
        "ORDER BY organization, toUnixTimestamp(effective_from) > 0, created, effective_from"
    )


def known_organizations() -> str:
    """The names of all organisations that were ever seen."""
    return "SELECT DISTINCT organization FROM organizations"


def known_control(partition: int, control_id: str, before: int) -> str:
    """One row: whether this control record was applied below the offset `before`, whether it is stored as asked for,
    and whether its place in the partition is noted."""
    this = f"control_id = toUUID({quoted(control_id)})"
    here = f"src_partition = {partition} AND {this}"
    return (
        f"SELECT (SELECT count() FROM control_log WHERE {here} AND src_offset < {before} AND outcome = 'applied') > 0, "
        f"(SELECT count() FROM control_records WHERE {this}) > 0, "
        f"(SELECT count() FROM control_publications WHERE {here}) > 0"
    )


def revision_content(subject: str, revision: int, organization: str, content_hash: str) -> str:
    """What a configuration revision says, when the warehouse has it with this hash."""
    return (
        f"SELECT content FROM config_revisions FINAL WHERE kind = {quoted(subject)} AND revision = {revision} "
        f"AND organization = {quoted(organization)} AND content_hash = {quoted(content_hash)}"
    )


def revisions_in_force(applied: Mapping[int, int], first: int) -> str:
    """The highest revision of prices and of multipliers, whoever's it is, up to each partition's applied offset:
    (partition, kind, revision). What former generations (below the partition `first`) ended with holds everywhere, as
    partition -1.
    """
    return (
        f"SELECT if(src_partition < {first}, -1, toInt32(src_partition)) AS number, toString(kind), max(revision) "
        f"FROM revision_switches WHERE kind != 'calendar' AND (src_partition < {first} OR {_up_to(applied, 'offset')}) "
        f"AND {not_set_apart('offset')} GROUP BY number, kind"
    )


def later_calendars(place: tuple[int, int], organization: str, revision: int) -> str:
    """How many higher revisions of the organisation's calendar were put in force before this place of the log
    (partition, offset), former generations counted in."""
    return (
        f"SELECT count() FROM revision_switches WHERE kind = 'calendar' AND organization = {quoted(organization)} "
        f"AND revision > {int(revision)} AND (src_partition, offset) < ({int(place[0])}, {int(place[1])}) "
        f"AND {not_set_apart('offset')}"
    )


def awaited_events(applied: Mapping[int, int]) -> str:
    """What is still said of events to come, by records up to each partition's applied offset."""
    return (
        "SELECT src_partition, organization, toUnixTimestamp64Milli(time), event_id, src_offset, toString(control_id), "
        f"toString(kind), change FROM awaited_events FINAL WHERE {_up_to(applied, 'src_offset')} "
        f"AND (met = -1 OR NOT ({_up_to(applied, 'met')})) AND {not_set_apart('src_offset')}"
    )


def _up_to(applied: Mapping[int, int], column: str) -> str:
    places = [f"(src_partition = {number} AND {column} <= {offset})" for number, offset in applied.items()]
    return f"({' OR '.join(places)})"


def quarantined(partitions: Sequence[int]) -> str:
    """What is set apart of these partitions; bytes of single events as hexadecimal digits, of whole envelopes none."""
    return (
        "SELECT src_partition, src_offset, src_index, reason, if(src_index < 0, '', hex(raw)) FROM quarantine FINAL "
        f"WHERE src_partition IN ({listed(partitions)})"
    )
