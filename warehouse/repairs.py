"""Requests to compute days again from raw events: slices in, rows of the table `repairs` and their state out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from warehouse.client import WRITE_SETTINGS, classified

COLUMNS = (
    "repair_id",
    "src_partition",
    "organization",
    "day",
    "state",
    "author",
    "reason",
    "message",
    "asked",
    "version",
)
_STATES = """
    SELECT toString(state), count(), groupUniqArrayIf(10)(message, message != ''), groupUniqArray(src_partition)
    FROM repairs FINAL WHERE repair_id = {repair_id:String} GROUP BY state
"""


@dataclass(frozen=True, slots=True)
class RepairSlice:
    """One local day of one organisation in one log partition."""

    src_partition: int
    organization: str
    day: date


@dataclass(frozen=True, slots=True)
class RepairStatus:
    """How many slices of a request are open, done and failed; log partitions of the open ones; why some failed."""

    asked: int
    done: int
    failed: int
    waiting_for: tuple[int, ...] = ()
    messages: tuple[str, ...] = ()


def request_repair(client: Client, slices: Sequence[RepairSlice], author: str, reason: str) -> str:
    """Asks the owners of the partitions to compute these slices again; returns the id of the request.

    Raises WarehouseUnavailable and WarehouseRefused.
    """
    repair_id, asked = str(uuid4()), datetime.now(UTC)
    rows = [
        (repair_id, each.src_partition, each.organization, each.day, "asked", author, reason, "", asked, 1)
        for each in dict.fromkeys(slices)
    ]
    try:
        client.insert("repairs", rows, column_names=COLUMNS, settings=WRITE_SETTINGS)
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    return repair_id


def repair_status(client: Client, repair_id: str) -> RepairStatus:
    """The state of a request. Raises WarehouseUnavailable and WarehouseRefused."""
    try:
        found = client.query(_STATES, parameters={"repair_id": repair_id}).result_rows
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    states: dict[str, Sequence[Any]] = {row[0]: row[1:] for row in found}
    nothing: Sequence[Any] = (0, (), ())
    still = [states.get(state, nothing) for state in ("asked", "running")]
    failed = states.get("failed", nothing)
    return RepairStatus(
        asked=sum(int(each[0]) for each in still),
        done=int(states.get("done", nothing)[0]),
        failed=int(failed[0]),
        waiting_for=tuple(sorted({number for each in still for number in each[2]})),
        messages=tuple(failed[1]),
    )
