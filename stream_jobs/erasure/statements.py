"""What an erasure removes and where: its scope in, statements out. None that is kept anywhere names who is erased."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from stream_jobs.erasure.json_texts import written_in_json
from stream_jobs.erasure.scope import Scope
from warehouse.control.selected import instant
from warehouse.families import FAMILIES, ROLLUP_TABLES
from warehouse.literals import quoted, second
from warehouse.queries.query import utc
from warehouse.queries.reconcile.open_slices import NOT_OPEN

OF_EVENTS: Final = ("event_id_lookup", "event_id_log", "usage_raw", "corrections", "awaited_events")
"""In this order: raw events, by which an erasure that was interrupted knows the rest, come late."""

OF_POSITIONS: Final = ("event_id_log", "event_id_lookup", "usage_raw")
"""Tables that say where an event stands in the log."""
NOTED: Final = "organization, time, event_id, src_partition, src_offset, src_index, append_time, day, thread_id"
"""What is noted of an event."""
REPLAYED_TABLES: Final = tuple(f"replayed_{family.table}" for family in FAMILIES)
NAMED: Final = {family.table: family.dimensions for family in FAMILIES} | {"rollup_latency": ("provider", "model")}
"""What rows of rollup tables name, as raw events do."""
PERIODS: Final = ("day", "week")
WRITTEN: Final = {
    "rejected": "time",
    "alerts": "time",
    "replays": "replayed",
    "directory_entries": "created",
    "closed_usage": "closed",
    "closed_periods": "closed",
    "provider_costs": "imported",
    "provider_cost_reports": "imported",
}
"""When a row of kept bytes and texts was written."""
REFUSALS: Final = ("rejected", "alerts", "replays")
"""Written by processes that have clocks of their own; all others are entered by people, perhaps right afterwards."""
CLOCKS_APART: Final = timedelta(minutes=1)
"""How far a clock may be ahead of the log's."""
_ORGANIZATION_NAMED: Final = r'''"organization"\s*:\s*"(?:[^"\\]|\\.)*"'''


def events_noted(scope: Scope) -> str:
    """Notes which events are erased: those that are the user's just before the record, void ones too."""
    who = "1" if scope.whole else f"user_id IN {scope.users}"
    newest = ", ".join(
        f"argMax({name}, control_offset) AS {name}"
        for name in ("src_partition", "src_offset", "src_index", "append_time", "day", "thread_id", "user_id")
    )
    # Only what ever was the user's is looked at: an organization may have millions of events.
    mine = f"{scope.own} AND {scope.before} AND {scope.as_they_were}"
    ever = "1" if scope.whole else f"(time, event_id) IN (SELECT time, event_id FROM usage_raw WHERE {mine} AND {who})"
    return (
        f"INSERT INTO erased_events (control_id, {NOTED}) SELECT {scope.id}, {NOTED} FROM ("
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
        f"AND time >= {second(since)} AND time < {second(until)}"
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
    of_tables = dict.fromkeys(ROLLUP_TABLES, "1") if scope.whole else _of_user(scope)
    return {table: f"{scope.own} AND {who} AND NOT {_alive(scope, table)}" for table, who in of_tables.items()}


def of_replayed(scope: Scope) -> Mapping[str, str]:
    """Conditions for the rows that a replay built beside those. What stands there of a day that no job is about to
    compute again was left by a process that froze; of such a day only what is empty goes."""
    of_tables = dict.fromkeys((family.table for family in FAMILIES), "1") if scope.whole else _of_user(scope)
    return {
        f"replayed_{table}": f"{scope.own} AND {who} AND ({NOT_OPEN} OR NOT {_alive(scope, table)})"
        for table, who in of_tables.items()
    }


def of_rest(scope: Scope, asked: datetime) -> Mapping[str, str]:
    """Conditions for everything that is not removed with the events. asked: when the log received the erasure."""
    return {**of_rollups(scope), **of_replayed(scope), **of_bytes(scope, asked)}


def _of_user(scope: Scope) -> Mapping[str, str]:
    """Which rows of a rollup table name the user, or a thread of the user's events."""
    return {"rollup": f"user_id IN {scope.users}", "rollup_thread": f"thread_id IN {scope.events('thread_id')}"}


def _alive(scope: Scope, table: str) -> str:
    """Whether raw events are left that a row counts: of an organisation, such as have what the row names."""
    raw = f"FROM usage_raw FINAL WHERE {scope.own}"
    if table == "rollup_thread" and not scope.whole:
        return f"(thread_id IN (SELECT thread_id {raw}))"
    left = raw if scope.whole else f"{raw} AND user_id IN {scope.users}"
    day, week = (", ".join(("src_partition", period, *(NAMED[table] if scope.whole else ()))) for period in PERIODS)
    return f"if(grain = 'week', ({week}) IN (SELECT {week} {left}), ({day}) IN (SELECT {day} {left}))"


def of_bytes(scope: Scope, asked: datetime) -> Mapping[str, str]:
    """Conditions for kept bytes and texts that name the user or hold one of the events, and that were written before
    the log received the erasure, `asked`: later ones are of somebody new."""
    written_before = {
        table: f"{column} <= {instant(utc(asked) + (CLOCKS_APART if table in REFUSALS else timedelta()))}"
        for table, column in WRITTEN.items()
    }
    return {table: f"({where}) AND {written_before[table]}" for table, where in _of_bytes(scope).items()}


def of_quarantine(scope: Scope) -> Mapping[str, str]:
    """Conditions by column for what is kept of bytes that were set apart before the erasure. The rows stay: by them the
    place in the log is passed over for ever."""
    before = f"(src_partition != {scope.home} OR src_offset <= {scope.offset})"
    named = _names_organization if scope.whole else names_user
    mine = "" if scope.whole else f" AND {_of_organization_or_nobody(scope, 'raw')}"
    return {
        "raw": f"{before} AND {named(scope, 'raw')}{mine}",
        "reason": f"{before} AND {named(scope, 'reason')}{mine}",
    }


def _of_bytes(scope: Scope) -> Mapping[str, str]:
    if scope.whole:
        mine = f"organization = {quoted(scope.organization)}"
        unread = f"organization = '' AND {_names_organization(scope, 'raw')}"
        return {
            "rejected": f"({mine} OR ({unread}))",
            "alerts": mine,
            "replays": mine,
            "directory_entries": mine,
            "closed_usage": mine,
            "closed_periods": mine,
            "provider_costs": mine,
            "provider_cost_reports": mine,
        }
    named = f"organization IN ({quoted(scope.organization)}, '') AND "
    mine = f"(organization != '' OR {_of_organization_or_nobody(scope, 'raw')}) AND "
    ids = scope.events("toString(event_id)")
    return {
        "rejected": f"{named}{mine}(event_id IN {ids} OR {names_user(scope, 'raw')} OR {names_user(scope, 'reason')})",
        "replays": f"{named}event_id IN {ids}",
        "alerts": f"{named}({names_user(scope, 'details')} OR {names_user(scope, 'message')})",
        "directory_entries": f"{scope.own} AND kind = 'user' AND entity_id IN {scope.users}",
    }


def _names_organization(scope: Scope, text: str) -> str:
    """Whether bytes that nobody could read as one event name the organisation as one does, in any of their lines."""
    plain = json.dumps(scope.organization, ensure_ascii=False)
    names = dict.fromkeys((plain, plain.replace("/", r"\/"), *written_in_json(scope.organization)))
    close = f"replaceRegexpAll({text}, '\"organization\"\\\\s*:\\\\s*', '\"organization\":')"
    named = f"position({close}, concat('\"organization\":', name)) > 0"
    return f"arrayExists(name -> {named}, [{', '.join(map(quoted, names))}])"


def _of_organization_or_nobody(scope: Scope, text: str) -> str:
    """Whether such bytes name the organisation, or none that can be read to its end."""
    names_any = f"match({text}, {quoted(_ORGANIZATION_NAMED)})"
    return f"({_names_organization(scope, text)} OR NOT {names_any})"


def names_user(scope: Scope, text: str) -> str:
    """Whether a column of text names the user: in quotes, as it is or as JSON writes it, or as the user of an event."""
    escaped = "replaceAll(toJSONString(user_id), '\\\\/', '/')"
    forms = f"arrayDistinct(arrayConcat([concat('\"', user_id, '\"'), {escaped}], written))"
    users = f"(SELECT groupArrayArray({forms}) FROM erased_users WHERE control_id = {scope.id})"
    inside = f"arrayExists(user -> position({text}, user) > 0, {users})"
    return f"({inside} OR JSONExtractString({text}, 'user_id') IN {scope.users})"


def registered(homes: Sequence[int] | None = None) -> str:
    """Erasures that were swept twice, of these log partitions or of all, in the order of the fields of Registered."""
    mine = "" if homes is None else f" AND src_partition IN ({', '.join(str(int(home)) for home in homes)})"
    return (
        "SELECT toString(control_id), organization, toInt64(src_partition), src_offset, user_hash, key_check, asked "
        f"FROM erasures FINAL WHERE state IN ('swept', 'complete'){mine} ORDER BY organization, asked, control_id"
    )


def register_of(scope: Scope) -> str:
    """What the register says of it: user_hash, asked, certificate, version."""
    return (
        "SELECT user_hash, asked, certificate, toInt64(version) FROM erasures FINAL "
        f"WHERE src_partition = {int(scope.home)} AND control_id = {scope.id}"
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
    named = ("usage_raw", "rollup", "replayed_rollup")
    tables = " UNION ALL ".join(f"SELECT user_id FROM {table} WHERE {own}" for table in named)
    return f"SELECT DISTINCT user_id FROM ({tables})"


def replaced_parts(tables: Sequence[str], before: datetime) -> str:
    """Which of these tables have files on disk that were replaced before this instant."""
    names = ", ".join(quoted(table) for table in tables)
    return (
        f"SELECT DISTINCT table FROM system.parts WHERE database = currentDatabase() AND table IN ({names}) "
        f"AND NOT active AND remove_time <= {second(int(utc(before).timestamp()))}"
    )
