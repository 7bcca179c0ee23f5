"""Texts that an erasure empties in rows that stay: its scope in, conditions by table and column out.

Only what the log held before the erasure: a request that is published later is about somebody new, and one that is
still to be published must keep what it says. What a config record says names a revision and nobody.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from stream_jobs.erasure.scope import Scope
from stream_jobs.erasure.statements import names_user
from warehouse.control.selected import instant
from warehouse.queries.query import utc

NOTED: Final = {
    "config_revisions": ("note", "created"),
    "prices": ("note", "created"),
    "multipliers": ("note", "created"),
    "terms": ("note", "created"),
    "provider_cost_reports": ("note", "imported"),
    "closed_periods": ("note", "closed"),
    "repairs": ("message", "asked"),
}
"""Where else people or the warehouse say something about an organisation: the text, and when the row was written."""
NO_CHANCE: Final = 8
"""Ids of so many characters stand in a name only where the user is meant."""
TABLES: Final = ("control_records", "jobs", *NOTED)
_OVER: Final = (
    "(src_partition, control_id) IN (SELECT src_partition, control_id FROM jobs FINAL "
    "WHERE state IN ('done', 'failed', 'cancelled'))"
)
_SAID_AGAIN: Final = (
    f"body != '' AND control_id IN (SELECT control_id FROM control_records WHERE body = '') AND {_OVER}"
)
"""Jobs whose request was emptied in the outbox: a process that froze has written the row once more."""
SPOKEN_OF_AGAIN: Final = f"SELECT DISTINCT organization FROM jobs WHERE {_SAID_AGAIN}"
"""Organisations whose requests stand in rows again; "" for everyone's."""
_WORD: Final = "concat('(^|[^0-9A-Za-z_])', regexpQuoteMeta(user), '([^0-9A-Za-z_]|$)')"


def of_texts(scope: Scope, asked: datetime) -> Mapping[str, Mapping[str, str]]:
    """Conditions of rows by table and column. asked: when the log received the erasure."""
    bound = instant(utc(asked))
    return _of_requests(scope) | {
        table: {text: f"{scope.own} AND {written} <= {bound} AND {_told(scope, text)}"}
        for table, (text, written) in NOTED.items()
    }


def said_again(scope: Scope) -> Mapping[str, str]:
    """Conditions of jobs by column: what an erasure emptied and a process that froze has written once more."""
    return {"body": f"({scope.own} OR organization = '') AND {_SAID_AGAIN}"}


def of_attributes(scope: Scope, asked: datetime) -> tuple[str, str]:
    """Where other entries of the directory name the user, and what is changed there: names and attributes are emptied.

    A text that is the id names the user, and one with a long id among its words.
    """
    users = f"(SELECT groupArray(user_id) FROM erased_users WHERE control_id = {scope.id} AND user_id != '')"

    def named(text: str) -> str:
        inside = f"lengthUTF8(user) >= {NO_CHANCE} AND match({text}, {_WORD})"
        return f"arrayExists(user -> {text} = user OR ({inside}), {users})"

    entries = f"{scope.own} AND created <= {instant(utc(asked))}"
    name = "ifNull(display_name, '')"
    told = f"arrayConcat([{name}], mapKeys(attributes), mapValues(attributes))"
    where = f"{entries} AND arrayExists(text -> {named('text')}, {told})"
    kept = f"mapFilter((word, said) -> NOT {named('word')}, attributes)"
    emptied = f"mapApply((word, said) -> (word, if({named('said')}, '', said)), {kept})"
    return where, f"display_name = if({named(name)}, '', display_name), attributes = {emptied}"


def _of_requests(scope: Scope) -> dict[str, dict[str, str]]:
    """Of requests about everyone only those that name the user; of jobs those that are over."""
    event = "toUUIDOrZero(JSONExtractString(each, 'event_id'))"
    events = f"arrayExists(each -> {event} IN {scope.events('event_id')}, JSONExtractArrayRaw(body, 'events'))"
    named = "1" if scope.whole else f"({names_user(scope, 'body')} OR {events})"
    whose = scope.own if scope.whole else f"({scope.own} OR organization = '')"
    note = f"{_told(scope, 'note')} OR (kind = 'erase' AND {named})"
    of_all = "" if scope.whole else f" AND ({scope.own} OR {named})"
    records, jobs = f"{whose} AND {_is_out(scope)}", f"{whose} AND {_reached(scope)} AND {_OVER}"
    return {
        "control_records": {
            "body": f"{records} AND kind != 'config' AND {named}",
            "note": f"{records} AND ({note}){of_all}",
        },
        "jobs": {"body": f"{jobs} AND {named}", "message": f"{jobs} AND {_told(scope, 'message')}{of_all}"},
    }


def _told(scope: Scope, text: str) -> str:
    return "1" if scope.whole else _names_in_words(scope, text)


def _reached(scope: Scope) -> str:
    """Requests that the organisation's partition had before the erasure."""
    return (
        f"control_id IN (SELECT control_id FROM control_log WHERE {scope.before} "
        f"UNION ALL SELECT control_id FROM control_publications WHERE {scope.before})"
    )


def _is_out(scope: Scope) -> str:
    """The same, and those of former topic generations, which nobody publishes any more; a request about everyone only
    when every partition has it."""
    first = scope.generation_start
    stranded = f"arrayAll(number -> number < {first}, partitions)"
    missing = (
        "SELECT control_id FROM (SELECT control_id, arrayJoin(partitions) AS number FROM control_records FINAL "
        f"WHERE organization = '') WHERE number >= {first} "
        "AND (control_id, number) NOT IN (SELECT control_id, src_partition FROM control_publications)"
    )
    return f"({_reached(scope)} OR {stranded}) AND (organization != '' OR control_id NOT IN ({missing}))"


def _names_in_words(scope: Scope, text: str) -> str:
    """Whether a text for people names the user, not as a part of a longer word."""
    users = f"(SELECT groupArray(user_id) FROM erased_users WHERE control_id = {scope.id} AND user_id != '')"
    return f"arrayExists(user -> match({text}, {_WORD}), {users})"
