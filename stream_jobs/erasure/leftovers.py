"""What failed erasures have left of the same user, or of the organisation: statements for the one that is done now.

They removed raw events and did not compute every day again, and their notes still say who they were about.
"""

from stream_jobs.erasure.scope import Scope
from stream_jobs.erasure.statements import NOTED


def noted(scope: Scope) -> str:
    """Which of them have notes: control ids as texts."""
    return f"SELECT DISTINCT toString(control_id) FROM erased_users WHERE {_is_left(scope)}"


def events_noted(scope: Scope) -> str:
    """Takes over the events that they removed, so that their days are computed again; those that are still there are
    whose they are now."""
    theirs = f"{scope.own} AND control_id IN (SELECT control_id FROM erased_users WHERE {_is_left(scope)})"
    there = (
        f"SELECT time, event_id FROM usage_raw WHERE {scope.own} "
        f"AND (time, event_id) IN (SELECT time, event_id FROM erased_events WHERE {theirs})"
    )
    return (
        f"INSERT INTO erased_events (control_id, {NOTED}) SELECT DISTINCT {scope.id}, {NOTED} FROM erased_events FINAL "
        f"WHERE {theirs} AND (time, event_id) NOT IN ({there})"
    )


def _is_left(scope: Scope) -> str:
    failed = (
        "SELECT control_id FROM jobs FINAL "
        f"WHERE {scope.own} AND {scope.before} AND kind = 'erase' AND state = 'failed'"
    )
    who = "1" if scope.whole else f"whole = 0 AND user_id IN {scope.users}"
    return f"{scope.own} AND {who} AND control_id IN ({failed})"
