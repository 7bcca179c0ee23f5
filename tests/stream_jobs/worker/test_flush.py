"""Flushes: everything durable in the one right order, whatever dies in between, and nothing acknowledged before."""

import time
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any, cast
from unittest.mock import patch

import polars as pl
import pytest

from stream_jobs.errors import WarehouseSetBack
from stream_jobs.worker import flush, guard
from stream_jobs.worker.batch import Batch
from stream_jobs.worker.flush import SHORT_BACKLOG, Flusher
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.state import WorkerState
from stream_jobs.worker.take import Taken, TakeProcessor
from tests.stream_jobs.worker.fake_sink import FakeSink, Fate
from tests.stream_jobs.worker.fake_warehouse import FakeWarehouse
from tests.stream_jobs.worker.sent import BAD_LINES, BEGIN, Log, Posted, Sent, one_row
from tests.stream_jobs.worker.simulation import SimulatedWorker, Simulation, Step
from warehouse.families import FAMILIES

DAYS = timedelta(days=1)


def test_e3_no_flush_begins_inside_a_take() -> None:
    simulation = Simulation(one_row(3))
    seen: list[bool] = []
    process = TakeProcessor.process

    async def looked_at(self: TakeProcessor, *arguments: object) -> object:
        flusher = worker[0].flusher
        flusher.hurry = True
        seen.append(flusher.due(0) or flusher.rests)
        return await process(self, *arguments)  # type: ignore[arg-type]

    worker: list[SimulatedWorker] = []
    assign = SimulatedWorker.assign

    def noted(self: SimulatedWorker) -> dict[int, int]:
        worker.append(self)
        return assign(self)

    with patch.object(TakeProcessor, "process", looked_at), patch.object(SimulatedWorker, "assign", noted):
        simulation.live(Step(1), Step(1), Step(1))
    assert seen == [False, False, False]


@pytest.mark.parametrize(
    ("waits_in_log", "seconds", "due"),
    [(0, 0.1, False), (0, 0.3, True), (SHORT_BACKLOG, 0.3, True), (SHORT_BACKLOG + 1, 0.3, False), (1000, 1.1, True)],
)
def test_flushes_are_rarer_only_when_much_waits_in_the_log(waits_in_log: int, seconds: float, due: bool) -> None:
    nobody = cast(Any, None)
    flusher = Flusher(WorkerSettings(), nobody, nobody, nobody, nobody, nobody, nobody, nobody)
    flusher._batch = Batch(events=[object()] * 200, started=time.monotonic() - seconds)
    assert flusher.due(flusher.taken + waits_in_log) is due


def test_small_takes_are_inserted_together() -> None:
    batch = Batch()
    for _ in range(3):
        batch.add(
            [object()],
            Taken(raw=pl.DataFrame({"bucket": [1], "quantities": [""], "metadata": [""], "src_partition": [4]})),
        )
    assert (batch.rows_waiting, batch.takes, batch.accepted) == (3, 3, {4: 3})
    raw, _ = batch.handed_over()
    assert (raw.height, batch.rows_waiting) == (3, 0)


def test_e8_a_warehouse_set_back_under_a_running_worker_ends_it() -> None:
    simulation = Simulation(one_row(5))
    backup: list[FakeWarehouse] = []
    drain = Flusher.drain

    async def restored(self: Flusher, state: WorkerState) -> None:
        backup.append(deepcopy(simulation.warehouse))
        await drain(self, state)
        if len(backup) == 2:
            simulation.warehouse.tables = backup[1].tables

    with patch.object(Flusher, "drain", restored), pytest.raises(WarehouseSetBack, match="partition 0: 0 is stored"):
        simulation.live(Step(1, "drain"), Step(1, "drain"), Step(1, "drain"))


@pytest.mark.parametrize("at", ["partition_progress", "rollup"])
def test_e8_a_warehouse_set_back_in_the_middle_of_a_flush_loses_nothing(at: str) -> None:
    """The older state has the progress that the worker has; what it lacks was inserted since."""
    simulation = Simulation(one_row(5))
    simulation.live(Step(2, "drain"))
    backup = [deepcopy(simulation.warehouse)]
    insert = FakeSink.insert

    def restored(self: FakeSink, table: str, frame: pl.DataFrame, *check: Callable[[], None]) -> None:
        if table == at and backup:
            simulation.warehouse.tables = backup.pop().tables
        insert(self, table, frame, *check)

    with patch.object(FakeSink, "insert", restored), pytest.raises(WarehouseSetBack, match="0 of 2 events are stored"):
        simulation.live(Step(2, "drain"), Step(1, "drain"))
    simulation.finish()
    assert simulation.requests() == 5


WRITTEN_AFTER_EVENTS = ("calendar", "touched_periods", "rollup", "rollup_thread")


@pytest.mark.parametrize("at", ["silence", "last family", "count"])
def test_e8_what_a_copy_has_of_a_flush_without_its_rollups_is_written_again(
    at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy was made in the middle of this very flush: its events are there, what was written after them is not."""
    monkeypatch.setattr(flush, "RESTART_SECONDS", 0.0 if at == "silence" else 60.0)
    log = Log([Posted((Sent(n, BEGIN - n * DAYS, thread="t"),)) for n in range(4)])
    undisturbed = Simulation(log, window_events=1000).finish()
    simulation = Simulation(log, window_events=1000)
    simulation.live(Step(2, "drain"))
    tables = simulation.warehouse.tables
    copy = [{table: deepcopy(tables[table]) for table in WRITTEN_AFTER_EVENTS}]
    insert = FakeSink.insert

    def set_back(sink: FakeSink, *, noticed: bool) -> None:
        if copy:
            tables.update(copy.pop())
            sink.failures += noticed

    def restored(self: FakeSink, table: str, frame: pl.DataFrame, *check: Callable[[], None]) -> None:
        if (at, table) in {("last family", "rollup_thread"), ("silence", "partition_progress")}:
            set_back(self, noticed=at != "silence")
        insert(self, table, frame, *check)

    def counted(sink: FakeSink, *asked: Any) -> None:
        guard.check_stored(sink, *asked)
        if at == "count":
            set_back(sink, noticed=True)

    with patch.object(FakeSink, "insert", restored), patch.object(flush, "check_stored", counted):
        simulation.live(Step(2, "drain"))
    assert not copy
    simulation.finish()
    assert (undisturbed.requests(), undisturbed.requests("day")) == (4, 3)
    assert simulation.pending() == undisturbed.pending()
    for family in FAMILIES:
        for grain in ("quarter", "hour", "day", "week"):
            assert simulation.sums(family.table, grain) == undisturbed.sums(family.table, grain)


def burst_of_late_events() -> Simulation:
    """A worker dies after the rows of a burst of late events, before their periods are marked; then silence."""
    late = [Posted((Sent(n, BEGIN - n * 7 * DAYS),)) for n in range(1, 6)]
    simulation = Simulation(Log(late), window_events=1000)
    writes = Simulation(Log(late), window_events=1000).live(Step(5, "drain")).fake.fate.writes
    simulation.live(Step(5, "drain"), fate=Fate(dies_at=writes.index("touched_periods")))
    return simulation.finish()


def test_e9_the_mark_of_touched_periods_is_replayed() -> None:
    simulation = burst_of_late_events()
    assert simulation.requests("day") == simulation.requests("week") == 5
    assert simulation.pending() == set()


def test_e9_marking_only_what_a_replay_changes_leaves_days_without_rows() -> None:
    touch = TakeProcessor._touch_periods
    seen: set[tuple[int, int]] = set()

    def of_new_rows(self: TakeProcessor, frame: pl.DataFrame, taken: Taken) -> None:
        places = [tuple(place) for place in frame.select("src_partition", "src_offset").iter_rows()]
        fresh = pl.Series([place not in seen for place in places])
        seen.update(places)  # the rows are stored by then: a replay adds nothing to them
        touch(self, frame.filter(fresh), taken)

    with patch.object(TakeProcessor, "_touch_periods", of_new_rows):
        assert burst_of_late_events().requests("day") < 5


def test_e9_a_flush_writes_in_the_one_right_order() -> None:
    events = (Sent(1, thread="t", prompt="p", category="c"), Sent(2))
    log = Log([Posted(events, bad_lines=BAD_LINES[:1])])
    worker = Simulation(log).live(Step(1, "drain"))
    writes = worker.fake.fate.writes
    assert writes[:3] == ["alerts", "organizations", "usage_raw"]
    tables = {family.table for family in FAMILIES}
    assert set(writes[3:-1]) == tables | {"calendar", "touched_periods", "refusal"}
    assert writes.index("calendar") < writes.index("touched_periods") < min(writes.index(table) for table in tables)
    assert writes[-1] == "partition_progress"
    assert worker.acknowledged == [(0, 0)]


@pytest.mark.parametrize("dies_at", range(12))
def test_e9_nothing_is_acknowledged_before_its_progress_is_stored(dies_at: int) -> None:
    simulation = Simulation(Log([Posted((Sent(1),), bad_lines=BAD_LINES), Posted((Sent(2),))]))
    worker = simulation.live(Step(2, "drain"), fate=Fate(dies_at=dies_at))
    stored = "partition_progress" in worker.fake.fate.writes[:dies_at]
    assert worker.acknowledged == ([(0, 0), (0, 1)] if stored else [])
