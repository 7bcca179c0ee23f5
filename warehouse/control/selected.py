"""Which raw events a control record is about: an organisation and a selection in, a condition over usage_raw out.

Written once, so that what a dry run shows is what a worker then does.
"""

from collections.abc import Sequence
from datetime import datetime

from producers.control.selection import EventKey, Selection
from warehouse.literals import quoted
from warehouse.queries.query import milliseconds

EVERYTHING = "true"


def condition(organization: str, selection: Selection) -> str:
    """Events with since <= time < until whose columns have the selection's values; organization "": of any."""
    parts = [
        _of(organization),
        f"time >= {instant(selection.since)}" if selection.since else "",
        f"time < {instant(selection.until)}" if selection.until else "",
        *(f"{column} = {quoted(value)}" for column, value in selection.values.items()),
    ]
    return " AND ".join(filter(None, parts)) or EVERYTHING


def among(organization: str, events: Sequence[EventKey]) -> str:
    """Events of one organisation by their identities: at least one."""
    keys = ", ".join(f"({instant(event.time)}, toUUID({quoted(str(event.event_id))}))" for event in events)
    return f"{_of(organization)} AND (time, event_id) IN ({keys})"


def instant(moment: datetime) -> str:
    """An aware instant as a DateTime64(3)."""
    return f"fromUnixTimestamp64Milli(toInt64({milliseconds(moment)}), 'UTC')"


def _of(organization: str) -> str:
    return f"organization = {quoted(organization)}" if organization else ""
