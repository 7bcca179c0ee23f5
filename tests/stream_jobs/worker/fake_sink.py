"""The worker's sink on a warehouse in memory, with everything that can go wrong between two writes.

While `asking_the_fake` is open, the functions that make SQL make a Question instead: the name of the fake's own
method and its arguments.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import polars as pl
import pytest

from stream_jobs.calendars.local_calendar import LocalCalendar
from stream_jobs.rollups import repair as repair_statements
from stream_jobs.worker import cascade, directory, job_statements, repair, statements
from stream_jobs.worker.directory import calendar_rows
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.fake_warehouse import FakeWarehouse

STATEMENTS = (
    *("progress", "newest_ids", "highest_buckets", "pending_periods"),
    *("foreign_topics", "last_stored_offsets", "newest_append_before", "quarantined"),
    "stored_events",
    *("family_rows", "earlier_copies", "organizations", "raised_epochs", "row_counts"),
    *("tombstoned_organizations", "times_ahead"),
    *("known_control", "revision_content", "revisions_in_force", "later_calendars", "awaited_events"),
    *("days_beyond", "has_foreign_events", "foreign_events_deleted"),
)
JOB_STATEMENTS = (
    *("open_jobs", "due_erasures", "complete_erasures"),
    *("open_repairs", "slices_noted", "events_of_days", "rewritten_events"),
)


class Killed(Exception):
    """The process is dead: nothing of it reaches the warehouse any more."""


class Question(str):
    """A statement that the fake answers."""

    __slots__ = ("arguments", "method")
    method: str
    arguments: tuple[Any, ...]


def _asking(method: str) -> Callable[..., Question]:
    def made(*arguments: Any, begun_only: bool = False) -> Question:
        question = Question("begun_repairs" if begun_only else method)
        question.method, question.arguments = str(question), arguments
        return question

    return made


_made = lru_cache(lambda zone, week_start, year: calendar_rows(LocalCalendar(zone, week_start), year))


def _remembered_rows(calendar: LocalCalendar, year: int) -> pl.DataFrame:
    """A year's calendar takes longer than everything else in a simulation."""
    rows: pl.DataFrame = _made(calendar.time_zone, calendar.week_start, year)
    return rows


@contextmanager
def asking_the_fake(seed: int = 0) -> Iterator[None]:
    """Statements are questions to the fake, and threads are steps of the loop in an order that `seed` decides."""
    chance = random.Random(seed)

    async def in_the_loop(call: Callable[..., Any], *arguments: Any) -> Any:
        for _ in range(chance.randrange(4) if seed else 0):
            await asyncio.sleep(0)
        return call(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        for name in STATEMENTS:
            patch.setattr(statements, name, _asking(name))
        for name in JOB_STATEMENTS:
            patch.setattr(job_statements, name, _asking(name))
        for module in (cascade, repair):
            patch.setattr(module, "derive", _asking("derive"))
            patch.setattr(module, "derive_latency", _asking("nothing"))
        for name in ("highest_epoch", "quarters", "emptied", "events_per_quarter"):
            patch.setattr(repair_statements, name, _asking(name))
        patch.setattr(repair_statements, "emptied_latency", _asking("nothing"))
        patch.setattr(asyncio, "to_thread", in_the_loop)
        patch.setattr(directory, "calendar_rows", _remembered_rows)
        yield


@dataclass(slots=True)
class Fate:
    """What becomes of a process, by the number of its writes.

    dies_at: this write and all later ones are lost. freezes_at: from this write on, everything up to the end of the
    flush (its progress) comes late: it waits in `late` until `thaw`; to the process it looks done. copied_at: a copy of
    the warehouse is made before this write. set_back_at: from the first try of this write on it is that copy.
    """

    dies_at: int | None = None
    freezes_at: int | None = None
    copied_at: int | None = None
    set_back_at: int | None = None
    copy: dict[str, Any] | None = None
    late: list[Callable[[], None]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    dead: bool = False

    def thaw(self, writes: int | None = None) -> None:
        """The late writes land, all or the first of them."""
        landing = self.late[:writes]
        del self.late[:writes]
        for write in landing:
            write()

    def write(self, what: str, land: Callable[[], None]) -> None:
        """One write of the process."""
        self.check()
        number = len(self.writes)
        self.writes.append(what)
        if self.dies_at is not None and number >= self.dies_at:
            self.dead = True
        self.check()
        if self.freezes_at is not None and number >= self.freezes_at:
            self.late.append(land)
            self.dead = what == "partition_progress"
        else:
            land()

    def check(self) -> None:
        """Raises Killed when the process is dead."""
        if self.dead:
            raise Killed


class FakeSink(Sink):
    """The hand of one process on the warehouse in memory."""

    def __init__(self, warehouse: FakeWarehouse, fate: Fate | None = None) -> None:
        self.warehouse = warehouse
        self.fate = fate or Fate()
        self.failures = 0
        self.returned: Callable[[], None] = lambda: None

    def insert(self, table: str, frame: pl.DataFrame, check: Callable[[], None] = lambda: None) -> None:
        if not self.fate.late:  # a frozen process asks nothing
            check()
        if not frame.is_empty():
            rows = frame.rows(named=True)
            self._come_and_go(check)
            self.fate.write(table, lambda: self.warehouse.store(table, rows))

    def _come_and_go(self, check: Callable[[], None]) -> None:
        number = len(self.fate.writes)
        if number == self.fate.copied_at and self.fate.copy is None:
            self.fate.copy = deepcopy(self.warehouse.tables)
        if number == self.fate.set_back_at and self.fate.copy is not None:
            self.warehouse.tables, self.fate.set_back_at = self.fate.copy, None
            self.failures += 1
            self.returned()
            check()

    def frame(self, sql: str, asked: pl.DataFrame | None = None) -> pl.DataFrame:
        answer = self._answer(sql, {} if asked is None else {"asked": asked})
        assert isinstance(answer, pl.DataFrame)
        return answer

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self._answer(sql, {}))

    def derive(self, sql: str, asked: pl.DataFrame | None = None) -> None:
        assert asked is None, "the fake rewrites no raw events"
        self.command(sql)

    def command(self, sql: str) -> None:
        assert isinstance(sql, Question)
        if sql.method == "nothing":  # histograms come from raw rows: a matter of the engine
            return
        if self.fate.late:  # a frozen process asks nothing: its next statement begins when it thaws
            self.fate.write(sql.method, lambda: getattr(self.warehouse, sql.method)(*sql.arguments)())
        else:
            self.fate.write(sql.method, self._answer(sql, {}))

    def _answer(self, sql: str, asked: dict[str, Any]) -> Any:
        assert isinstance(sql, Question), f"the fake does not know {sql}"
        self.fate.check()
        return getattr(self.warehouse, sql.method)(*sql.arguments, **asked)
