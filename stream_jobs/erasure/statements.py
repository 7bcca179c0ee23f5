"""What an erasure removes and where: its id in, statements out. None that is kept anywhere names who is erased."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from warehouse.families import ROLLUP_TABLES
from warehouse.literals import quoted
from warehouse.log_partitions import row_version

OF_EVENTS: Final = ("event_id_lookup", "event_id_log", "usage_raw", "corrections", "awaited_events")
"""In this order: raw events, by which an erasure that was interrupted knows the rest, come late."""


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
        return f"(src_partition != {self.home} OR src_offset <= {self.offset})"

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
    return (
        f"INSERT INTO erased_events (control_id, {columns}) SELECT {scope.id}, {columns} FROM ("
        f"SELECT organization, time, event_id, {newest} FROM "
        f"(SELECT * FROM usage_raw WHERE {scope.own} AND {scope.as_they_were}) "
        f"GROUP BY organization, time, event_id) WHERE {scope.before} AND {who}"
    )


def days(scope: Scope) -> str:
    """(log partition, local date) of its events."""
    return f"SELECT DISTINCT src_partition, day FROM erased_events WHERE control_id = {scope.id}"


def noted(scope: Scope, after: str, count: int) -> str:
    """The next events in the order of their ids, to be hashed: those above the hexadecimal id `after`."""
    return (
        "SELECT organization, event_id, time, src_partition, src_offset, src_index, append_time, "
        "hex(event_id) AS digits "
        f"FROM erased_events FINAL WHERE control_id = {scope.id} AND digits > {quoted(after)} "
        f"ORDER BY digits LIMIT {count}"
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
    raw = f"FROM usage_raw WHERE {scope.own} AND void = 0"
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


def of_bytes(scope: Scope) -> Mapping[str, str]:
    """Conditions for kept bytes and texts that name the user or hold one of the events."""
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
    """Conditions for requests whose bodies name the user: they are emptied, not removed. Open jobs keep theirs."""
    users = f"(SELECT groupArray(user_id) FROM erased_users WHERE control_id = {scope.id})"
    inside = f"arrayExists(user -> position(body, concat('\"', user, '\"')) > 0, {users})"
    named = f"{scope.own} AND {'body != ' + quoted('') if scope.whole else inside}"
    over = "SELECT control_id FROM jobs FINAL WHERE state IN ('done', 'failed', 'cancelled')"
    return {"control_records": named, "jobs": f"{named} AND control_id IN ({over})"}


def back_again(scope: Scope) -> str:
    """How many raw rows of erased events there are: a frozen process may have written them since."""
    places = "SELECT src_partition, src_offset, src_index FROM tombstones"
    return (
        f"SELECT count() FROM usage_raw WHERE {scope.own} AND {scope.before} "
        f"AND (src_partition, src_offset, src_index) IN ({places} WHERE {scope.own})"
    )


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
