"""What an erasure removes and where: its id in, statements out. None that is kept anywhere names who is erased."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from warehouse.families import FAMILIES, ROLLUP_TABLES
from warehouse.literals import quoted
from warehouse.log_partitions import PARTITIONS_PER_GENERATION, row_version
from warehouse.queries.reconcile.open_slices import NOT_OPEN

OF_EVENTS: Final = ("event_id_lookup", "event_id_log", "usage_raw", "corrections", "awaited_events")
"""In this order: raw events, by which an erasure that was interrupted knows the rest, come late."""

OF_POSITIONS: Final = ("event_id_log", "event_id_lookup", "usage_raw")
"""Tables that say where an event stands in the log."""
WRITTEN: Final = {
    "rejected": "time",
    "alerts": "time",
    "replays": "replayed",
    "quarantine": "written",
    "directory_entries": "created",
}
"""When a row of kept bytes and texts was written."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which erasure, and up to where. home, offset: place of its record."""

    control_id: str
    organization: str
    home: int
    offset: int
    whole: bool

    @property
    def id(self) -> str:
        """Its id as a literal."""
        return f"toUUID({quoted(self.control_id)})"

    @property
    def users(self) -> str:
        """The user as a question."""
        return f"(SELECT user_id FROM erased_users WHERE control_id = {self.id})"

    def events(self, columns: str) -> str:
        """Its events as a question."""
        return f"(SELECT {columns} FROM erased_events WHERE control_id = {self.id})"

    @property
    def before(self) -> str:
        """Rows with a place in the log that lie before the record; those of former generations do."""
        first = self.home // PARTITIONS_PER_GENERATION * PARTITIONS_PER_GENERATION
        return f"(src_partition < {first} OR (src_partition = {self.home} AND src_offset <= {self.offset}))"

    @property
    def as_they_were(self) -> str:
        """Versions of events that no record after this one has written: a sweep finds later ones too."""
        return f"control_offset < {row_version(self.home, self.offset)}"

    @property
    def own(self) -> str:
        """Rows of the organisation."""
        return f"organization = {quoted(self.organization)}"


def events_noted(scope: Scope) -> str:
    """Notes which events are erased: those that are the user's just before the record, void ones too."""
    who = "1" if scope.whole else f"user_id IN {scope.users}"
    columns = "organization, time, event_id, src_partition, src_offset, src_index, append_time, day, thread_id"
    newest = ", ".join(
        f"argMax({name}, control_offset) AS {name}"
        for name in ("src_partition", "src_offset", "src_index", "append_time", "day", "thread_id", "user_id")
    )
    # Only what ever was the user's is looked at: an organization may have millions of events.
    mine = f"{scope.own} AND {scope.before} AND {scope.as_they_were}"
    ever = "1" if scope.whole else f"(time, event_id) IN (SELECT time, event_id FROM usage_raw WHERE {mine} AND {who})"
    return (
        f"INSERT INTO erased_events (control_id, {columns}) SELECT {scope.id}, {columns} FROM ("
        f"SELECT organization, time, event_id, {newest} FROM (SELECT * FROM usage_raw WHERE {mine} AND {ever}) "
        f"GROUP BY organization, time, event_id) WHERE {who}"
    )


def days(scope: Scope) -> str:
    """(log partition, local date) of its events."""
    known = f"control_id = {scope.id} AND day > '1970-01-01'"
    return f"SELECT DISTINCT src_partition, day FROM erased_events WHERE {known}"


def noted_per_quarter(scope: Scope) -> str:
    """(start in Unix seconds, events) of the quarter hours of its events, in order."""
    return (
        "SELECT toUnixTimestamp(toStartOfFifteenMinutes(time)) AS start, count() "
        f"FROM erased_events FINAL WHERE control_id = {scope.id} GROUP BY start ORDER BY start"
    )


def noted(scope: Scope, since: int, until: int) -> str:
    """Its events with since <= time < until (Unix seconds), to be hashed."""
    return (
        "SELECT organization, event_id, time, src_partition, src_offset, src_index, append_time "
        f"FROM erased_events FINAL WHERE control_id = {scope.id} AND {scope.own} "
        f"AND time >= toDateTime({since}, 'UTC') AND time < toDateTime({until}, 'UTC')"
    )


def of_events(scope: Scope) -> Mapping[str, str]:
    """Conditions by table for what belongs to the events."""
    identities = f"(organization, time, event_id) IN {scope.events('organization, time, event_id')}"
    named = "1" if scope.whole else f"user_id IN {scope.users}"
    who = f"{named} AND {scope.before} AND {scope.as_they_were}"
    said = f"JSONExtractString(change, 'columns', 'user_id') IN {scope.users}"
    return {
        "event_id_lookup": f"{scope.own} AND {identities}",
        "event_id_log": (
            f"{scope.own} AND (src_partition, src_offset, src_index) IN "
            f"{scope.events('src_partition, src_offset, src_index')}"
        ),
        "usage_raw": f"{scope.own} AND ({identities} OR ({who}))",
        "corrections": f"{scope.own} AND ({identities} OR ({named} AND {scope.as_they_were}))",
        "awaited_events": f"{scope.own} AND {scope.before} AND ({identities} OR {'1' if scope.whole else said})",
    }


def of_rollups(scope: Scope) -> Mapping[str, str]:
    """Conditions for rollup rows, once their days are computed again without the events: what is empty now."""
    raw = f"FROM usage_raw FINAL WHERE {scope.own}"
    if scope.whole:
        alive = (
            f"if(grain = 'week', (src_partition, week) IN (SELECT src_partition, week {raw}), "
            f"(src_partition, day) IN (SELECT src_partition, day {raw}))"
        )
        return dict.fromkeys(ROLLUP_TABLES, f"{scope.own} AND NOT {alive}")
    back = f"{raw} AND user_id IN {scope.users}"
    alive = (
        f"if(grain = 'week', (src_partition, week) IN (SELECT src_partition, week {back}), "
        f"(src_partition, day) IN (SELECT src_partition, day {back}))"
    )
    threads = scope.events("thread_id")
    return {
        "rollup": f"{scope.own} AND user_id IN {scope.users} AND NOT {alive}",
        "rollup_thread": (f"{scope.own} AND thread_id IN {threads} AND thread_id NOT IN (SELECT thread_id {raw})"),
    }


def of_bytes(scope: Scope, until: datetime | None = None) -> Mapping[str, str]:
    """Conditions for kept bytes and texts that name the user or hold one of the events. until: only what was written
    before this instant."""
    conditions = _of_bytes(scope)
    if until is None:
        return conditions
    bound = f"fromUnixTimestamp64Milli({round(until.timestamp() * 1000)}, 'UTC')"
    return {table: f"({where}) AND {WRITTEN[table]} <= {bound}" for table, where in conditions.items()}


def _of_bytes(scope: Scope) -> Mapping[str, str]:
    if scope.whole:
        mine = f"organization = {quoted(scope.organization)}"
        return {
            "rejected": mine,
            "alerts": mine,
            "replays": mine,
            "directory_entries": mine,
            "quarantine": f"JSONExtractString(raw, 'organization') = {quoted(scope.organization)}",
        }
    inside = "arrayExists(user -> position({0}, concat('\"', user, '\"')) > 0, {1})"
    users = f"(SELECT groupArray(user_id) FROM erased_users WHERE control_id = {scope.id})"
    named = f"organization IN ({quoted(scope.organization)}, '') AND "
    ids = scope.events("toString(event_id)")
    return {
        "rejected": f"{named}(event_id IN {ids} OR {inside.format('raw', users)} OR {inside.format('reason', users)})",
        "replays": f"{named}event_id IN {ids}",
        "quarantine": inside.format("raw", users),
        "alerts": f"{named}({inside.format('details', users)} OR {inside.format('message', users)})",
        "directory_entries": f"{scope.own} AND kind = 'user' AND entity_id IN {scope.users}",
    }


def of_requests(scope: Scope) -> Mapping[str, str]:
    """Conditions for requests whose bodies name the user or one of the events: they are emptied, not removed. Open jobs
    keep theirs."""
    users = f"(SELECT groupArray(user_id) FROM erased_users WHERE control_id = {scope.id})"
    inside = f"arrayExists(user -> position(body, concat('\"', user, '\"')) > 0, {users})"
    event = "toUUIDOrZero(JSONExtractString(each, 'event_id'))"
    events = f"arrayExists(each -> {event} IN {scope.events('event_id')}, JSONExtractArrayRaw(body, 'events'))"
    named = f"{scope.own} AND {'body != ' + quoted('') if scope.whole else f'({inside} OR {events})'}"
    over = "SELECT control_id FROM jobs FINAL WHERE state IN ('done', 'failed', 'cancelled')"
    return {"control_records": named, "jobs": f"{named} AND control_id IN ({over})"}


def registered(homes: Sequence[int] | None = None) -> str:
    """Completed erasures, of these log partitions or of all, in the order of the fields of Registered."""
    mine = "" if homes is None else f" AND src_partition IN ({', '.join(str(int(home)) for home in homes)})"
    return (
        "SELECT toString(control_id), organization, toInt64(src_partition), src_offset, user_hash, key_check, asked "
        f"FROM erasures FINAL WHERE state = 'complete'{mine} ORDER BY organization, asked, control_id"
    )


def is_noted(scope: Scope) -> str:
    """Whether a sweep has begun and not ended: one number."""
    tables = ("erased_users", "erased_events")
    return "SELECT " + " + ".join(
        f"(SELECT toInt64(count()) FROM {table} WHERE control_id = {scope.id})" for table in tables
    )


def back_again(scope: Scope) -> str:
    """How many rows stand where events of the erasure stood, which a frozen process may have written: one number."""
    return "SELECT " + " + ".join(
        f"(SELECT toInt64(count()) FROM {table} WHERE {where_they_stood(scope)})" for table in OF_POSITIONS
    )


def back_noted(scope: Scope, table: str) -> str:
    """Notes them, from usage_raw or event_id_log; only raw rows know their day and thread."""
    columns = "organization, time, event_id, src_partition, src_offset, src_index, append_time"
    columns += ", day, thread_id" if table == "usage_raw" else ""
    return (
        f"INSERT INTO erased_events (control_id, {columns}) "
        f"SELECT DISTINCT {scope.id}, {columns} FROM {table} WHERE {where_they_stood(scope)}"
    )


def where_they_stood(scope: Scope) -> str:
    """The condition of rows at the places of the erasure's events."""
    position = "src_partition, src_offset, src_index"
    return f"{scope.own} AND ({position}) IN (SELECT {position} FROM tombstones WHERE control_id = {scope.id})"


def orphaned(scope: Scope, kept: str) -> str:
    """(log partition, day) of rollup rows of the user, or of the whole organisation, that count what raw does not hold.

    kept: condition of days whose raw events are all there. Days that a job is about to compute again are left to it.
    """
    who = "1" if scope.whole else f"user_id IN {scope.users}"
    raw = f"FROM usage_raw FINAL WHERE {scope.own} AND {who}"
    has = "multiIf({})".format(
        ", ".join(
            (
                f"grain = 'quarter', (src_partition, bucket) IN "
                f"(SELECT src_partition, toStartOfFifteenMinutes(time) {raw})",
                f"grain = 'hour', (src_partition, hour) IN (SELECT src_partition, hour {raw})",
                f"grain = 'day', (src_partition, day) IN (SELECT src_partition, day {raw})",
                f"(src_partition, week) IN (SELECT src_partition, week {raw})",
            )
        )
    )
    tables = [family.table for family in FAMILIES] if scope.whole else ["rollup"]
    rows = " UNION ALL ".join(
        f"SELECT src_partition, day FROM {table} FINAL "
        f"WHERE {scope.own} AND {who} AND {kept} AND requests != 0 AND NOT {has} AND {NOT_OPEN}"
        for table in tables
    )
    return f"SELECT DISTINCT src_partition, day FROM ({rows})"


def known_users(organization: str) -> str:
    """Every user that a row of the organisation names."""
    own = f"organization = {quoted(organization)}"
    tables = " UNION ALL ".join(f"SELECT user_id FROM {table} WHERE {own}" for table in ("usage_raw", "rollup"))
    return f"SELECT DISTINCT user_id FROM ({tables})"


def replaced_parts(tables: Sequence[str], before: datetime) -> str:
    """Which of these tables have files on disk that were replaced before this instant."""
    names = ", ".join(quoted(table) for table in tables)
    return (
        f"SELECT DISTINCT table FROM system.parts WHERE database = currentDatabase() AND table IN ({names}) "
        f"AND NOT active AND remove_time <= toDateTime({int(before.timestamp())}, 'UTC')"
    )
