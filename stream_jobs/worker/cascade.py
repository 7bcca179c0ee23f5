"""Derives hours, days and weeks that have closed, for the partitions of this worker."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

import polars as pl
import structlog

from stream_jobs.rollups.cascade import DAY_SECONDS, DuePeriod, derive, derive_latency
from stream_jobs.worker import statements
from stream_jobs.worker.beat import Beat
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import PeriodKey, WorkerState
from warehouse.families import FAMILIES

log = structlog.get_logger()
PERIODS_PER_SLICE = 200
SLICE_SECONDS = {"day": 2 * 86_400, "week": 8 * 86_400}
GRAINS = {"day": ("hour", "day"), "week": ("week",)}


@dataclass(slots=True)
class Cascade:
    """Runs between flushes, one statement at a time (rule E5). Rests ten times as long as the last run took."""

    sink: Sink
    beat: Beat
    pause_seconds: float
    _next: float = field(default=0.0, init=False)

    def due(self, state: WorkerState) -> bool:
        """Whether something closed waits and the pause is over."""
        return time.monotonic() >= self._next and any(True for _ in self._closed(state))

    def run(self, state: WorkerState) -> None:
        """Derives one slice of closed days, then of closed weeks whose days are all derived."""
        started = time.monotonic()
        done = sum(self._derive(state, grain) for grain in ("day", "week"))
        seconds = time.monotonic() - started
        more = any(True for _ in self._closed(state))
        self._next = time.monotonic() + (
            min(seconds, self.pause_seconds) if more else max(self.pause_seconds, 10 * seconds)
        )
        if done:
            log.info("derived closed periods", periods=done, seconds=round(seconds, 3))

    def marks(self, rows: Iterable[tuple[int, str, str, date, str, int]]) -> pl.DataFrame:
        """Rows of touched_periods: (src_partition, organization, grain, date, touched or done, offset)."""
        schema = {
            "src_partition": pl.UInt16,
            "organization": pl.String,
            "grain": pl.String,
            "date": pl.Date,
            "kind": pl.String,
            "offset": pl.Int64,
        }
        return pl.DataFrame(list(rows), schema=schema, orient="row")

    def _closed(self, state: WorkerState) -> Iterator[PeriodKey]:
        for key, pending in list(state.pending.items()):
            partition = state.partitions[key[0]]
            if pending.period.end * 1000 <= partition.applied_clock_ms and pending.touched <= partition.applied:
                yield key

    def _derive(self, state: WorkerState, grain: str) -> int:
        closed = sorted(
            (key for key in self._closed(state) if key[2] == grain), key=lambda key: state.pending[key].period.start
        )
        if grain == "week":
            waiting = [(key, pending.week) for key, pending in list(state.pending.items()) if key[2] == "day"]
            open_weeks = {(key[0], key[1], week) for key, week in waiting}
            closed = [key for key in closed if (key[0], key[1], key[3]) not in open_weeks]
        if not closed:
            return 0
        # Neighbours in time only: a statement reads the whole span between its first and its last period.
        span = state.pending[closed[0]].period.start + SLICE_SECONDS[grain]
        keys = [key for key in closed[:PERIODS_PER_SLICE] if state.pending[key].period.start < span]
        epochs = self._epochs(state, grain, keys)
        due = [self._due(state, key, epochs.get((key[0], key[1], key[3]), 0)) for key in keys]
        for finer in GRAINS[grain]:
            for family in FAMILIES:
                self.sink.command(derive(family, finer, due))
            self.sink.command(derive_latency(finer, due))
            self.beat.move()
        self.sink.insert(
            "touched_periods",
            self.marks((*key, "done", d.applied_offset) for key, d in zip(keys, due, strict=True)),
        )
        for key in keys:
            del state.pending[key]
        return len(keys)

    def _epochs(self, state: WorkerState, grain: str, keys: list[PeriodKey]) -> dict[tuple[int, str, date], int]:
        periods = [state.pending[key].period for key in keys]
        start, end = min(p.start for p in periods) - DAY_SECONDS, max(p.end for p in periods) + DAY_SECONDS
        partitions, organizations = sorted({key[0] for key in keys}), sorted({key[1] for key in keys})
        rows = self.sink.rows(statements.raised_epochs(grain, partitions, organizations, max(0, start), end))
        return {(number, organization, day): epoch for number, organization, day, epoch in rows}

    @staticmethod
    def _due(state: WorkerState, key: PeriodKey, epoch: int) -> DuePeriod:
        partition, organization, _, day = key
        period = state.pending[key].period
        return DuePeriod(
            partition, organization, day, period.start, period.end, state.partitions[partition].applied, epoch
        )
