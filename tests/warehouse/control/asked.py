"""Control records in a warehouse as workers would leave them there."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from clickhouse_connect.driver.client import Client

from producers.control.record import ControlRecord
from warehouse.control import outbox

NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
DAY = date(2026, 3, 28)


def record(number: int, kind: str = "void", organization: str = "acme", **body: Any) -> ControlRecord:
    """The record asked for `number` minutes after NOW."""
    content = body or {"selection": {"model": "gpt-4o"}}
    created = NOW + timedelta(minutes=number)
    return ControlRecord(str(UUID(int=number)), kind, organization, content, "ada", "a wrong key", created)


def stored(client: Client, asked: ControlRecord, partitions: Sequence[int], published: Sequence[int] = ()) -> str:
    """Stores a record, published in some of its partitions at offset 10 x partition."""
    outbox.store(client, asked, partitions)
    for number in published:
        outbox.note_published(client, asked.control_id, number, 10 * number)
    return asked.control_id


def logged(client: Client, asked: ControlRecord, partition: int, outcome: str, offset: int, reason: str = "") -> None:
    """What the partition's owner made of it."""
    row = [partition, asked.control_id, offset, asked.kind, asked.organization, outcome, reason, NOW]
    columns = ["src_partition", "control_id", "src_offset", "kind", "organization", "outcome", "reason", "append_time"]
    client.insert("control_log", [row], column_names=columns)


def job(
    client: Client,
    asked: ControlRecord,
    partition: int,
    state: str,
    slices: int = 0,
    message: str = "",
    offset: int | None = None,
) -> None:
    """The next state of its job; its record lies at offset 10 x partition if no other is given."""
    version = ("asked", "planned", "done", "failed", "cancelled").index(state)
    place = 10 * partition if offset is None else offset
    row = [partition, asked.control_id, place, asked.kind, asked.organization, state, slices, message, version]
    columns = ["src_partition", "control_id", "src_offset", "kind", "organization", "state", "slices", "message"]
    client.insert("jobs", [row], column_names=[*columns, "version"])


def slices(
    client: Client, asked: ControlRecord, partition: int, *states: str, message: str = "", of: int | None = None
) -> None:
    """A slice per state, a day each; three events in each that is done. of: log partition of its rows, if another."""
    columns = ["repair_id", "home", "src_partition", "organization", "day", "state", "events", "message", "version"]
    rows = [
        [
            *(
                asked.control_id,
                partition,
                partition if of is None else of,
                asked.organization,
                DAY + timedelta(days=number),
                state,
            ),
            *(3 if state == "done" else 0, message if state == "failed" else "", 1),
        ]
        for number, state in enumerate(states)
    ]
    client.insert("repairs", rows, column_names=columns)
