"""A warehouse in memory that is backed up while workers write: each table at a later moment than the one before it."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from tests.stream_jobs.worker.fake_warehouse import KEYS, FakeWarehouse, Key, Row
from warehouse.backups import order
from warehouse.families import FAMILIES, Family


@dataclass(slots=True)
class WatchedWarehouse(FakeWarehouse):
    """Tells before each change that becomes durable; the views that fill narrow tables are changes of their own."""

    changing: Callable[[], None] = lambda: None

    def store(self, table: str, rows: Sequence[Row]) -> None:
        self.changing()
        FakeWarehouse.store(self, table, rows)

    def foreign_events_deleted(self, *arguments: Any) -> Callable[[], None]:
        delete = FakeWarehouse.foreign_events_deleted(self, *arguments)

        def told() -> None:
            self.changing()
            delete()

        return told


@dataclass(slots=True)
class TornCopy:
    """Copies by the plan of a backup. start: changes before the first table; pauses: more of them before each next."""

    warehouse: WatchedWarehouse
    start: int
    pauses: Sequence[int]
    steps: list[order.Copy] = field(default_factory=lambda: order.plan(KEYS))
    copies: dict[str, dict[Key, Row]] = field(default_factory=dict)
    changes: int = 0

    def __post_init__(self) -> None:
        self.warehouse.changing = self._look

    def _look(self) -> None:
        moments = accumulate([self.start, *self.pauses])
        for step, moment in zip(self.steps, moments, strict=False):
            if moment <= self.changes:
                self._copy(step)
        self.changes += 1

    def _copy(self, step: order.Copy) -> None:
        if step.name not in self.copies:
            self.copies[step.name] = copy(self.warehouse.tables[step.table])

    def restored(self) -> FakeWarehouse:
        """What the copies give, settled as `warehouse/backups/settling.py` does it. What was not copied is, now."""
        for step in self.steps:
            self._copy(step)
        before = self.copies.pop(order.REPAIRS_BEFORE)
        fresh = FakeWarehouse({name: dict(rows) for name, rows in self.copies.items()}, self.warehouse.rejections)
        for key, row in list(fresh.tables["repairs"].items()):
            if row["state"] != "asked" and (key not in before or before[key]["version"] != row["version"]):
                fresh.tables["repairs"][key] = {**row, "state": "running", "version": row["version"] + 1}
        fresh.store("event_id_log", events_behind_progress(fresh))
        return fresh


def events_behind_progress(warehouse: FakeWarehouse) -> list[Row]:
    """Stored events that a worker reads again."""
    return [row for row in warehouse.rows("usage_raw") if row["src_offset"] > warehouse._applied(row["src_partition"])]


def uncovered(warehouse: FakeWarehouse) -> list[tuple[str, Key]]:
    """Quarter hours that have counted other events than are stored up to their own offset (rule E30)."""
    found = []
    for family in FAMILIES:
        for key, row in warehouse.tables[family.table].items():
            if row["grain"] == "quarter" and row["requests"] != sum(
                event["src_offset"] <= row["offset"] and is_of(event, row, family)
                for event in warehouse.rows("usage_raw")
            ):
                found.append((family.table, key))
    return found


def is_of(event: Row, row: Row, family: Family) -> bool:
    """Whether the event is counted in this quarter hour's row."""
    names = ("organization", "src_partition", *family.dimensions)
    bucket = int(event["time"].timestamp()) // 900 * 900
    counted = not family.only or bool(event[family.only])
    return counted and bucket == row["bucket"] and all(event[name] == row[name] for name in names)
