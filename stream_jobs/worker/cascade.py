"""Derives hours, days and weeks that have closed, for the partitions of this worker."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter

import polars as pl
import structlog

from stream_jobs.rollups.cascade import DAY_SECONDS, DuePeriod, derive, derive_latency
from stream_jobs.worker import statements
from stream_jobs.worker.beat import Beat
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.loading import load_pending
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.slices import FAILURES_TO_TELL, Slices, waiting
from stream_jobs.worker.state import PeriodKey, WorkerState
from warehouse.errors import WarehouseStrained
from warehouse.families import FAMILIES
from warehouse.reasons import reason

log = structlog.get_logger()
LOOK_SECONDS = 300.0
"""How often is looked for marks that a former owner's last write left after its periods were loaded."""
REST = 10
"""Beside traffic, times what the last slice took."""
LONGEST_REST_SECONDS = 60.0
"""However long the last slice waited for an absent warehouse."""
GLANCE_SECONDS = 1.0
"""Between looks at what may have closed: with ten thousand organisations each takes 10 ms."""
GRAINS = {"day": ("hour", "day"), "week": ("week",)}


@dataclass(slots=True)
class Cascade:
    """Runs between flushes, one slice at a time (rule E5)."""

    sink: Sink
    beat: Beat
    directory: Directory
    pause_seconds: float
    _next: float = field(default=0.0, init=False)
    _look: float = field(default_factory=lambda: time.monotonic() + LOOK_SECONDS, init=False)
    _slices: Slices = field(default_factory=Slices, init=False)

    def due(self, state: WorkerState) -> bool:
        """Whether something closed waits and the pause is over, or it is time to look for late marks."""
        now = time.monotonic()
        if now < self._next:
            return False
        if now >= self._look or any(True for _ in self._closed(state)):
            return True
        self._next = now + GLANCE_SECONDS
        return False

    def run(self, state: WorkerState, *, alone: bool = True) -> None:
        """Derives one slice of closed days, then of closed weeks whose days are all derived.

        alone: nothing waits in the log, so that what is left may follow soon.
        """
        started = time.monotonic()
        if started >= self._look:
            self.look(state)
        done = sum(self._derive(state, grain) for grain in ("day", "week"))
        seconds = time.monotonic() - started
        more = any(True for _ in self._closed(state))
        rest = min(seconds, self.pause_seconds) if more and alone else min(REST * seconds, LONGEST_REST_SECONDS)
        self._next = time.monotonic() + (rest if more else max(rest, self.pause_seconds))
        if done:
            log.info("derived closed periods", periods=done, seconds=round(seconds, 3))

    def look(self, state: WorkerState) -> None:
        """Takes up marks that came after the partitions were loaded: the last write of a worker that was killed or
        froze may land any time later."""
        if state.partitions:
            for key, late in load_pending(self.sink, self.directory, list(state.partitions)).items():
                state.touch(key, late)
        self._look = time.monotonic() + LOOK_SECONDS

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
        stuck = waiting(state.stuck, state.pending, time.monotonic())
        for key, pending in list(state.pending.items()):
            if key in stuck or (key[2] == "week" and (*key[:2], key[3]) in stuck):
                continue
            partition = state.partitions[key[0]]
            if pending.period.end * 1000 <= partition.applied_clock_ms and pending.touched <= partition.applied:
                yield key

    def _derive(self, state: WorkerState, grain: str) -> int:
        closed = [key for key in self._closed(state) if key[2] == grain]
        if grain == "week":
            waiting = [(key, pending.week) for key, pending in list(state.pending.items()) if key[2] == "day"]
            open_weeks = {(key[0], key[1], week) for key, week in waiting}
            closed = [key for key in closed if (key[0], key[1], key[3]) not in open_weeks]
        # What waits longest, and what follows it in time: late events of old days must not keep yesterday waiting.
        starts = [state.pending[key].period.start for key in closed]
        ordered = [
            key for start, key in sorted(zip(starts, closed, strict=True), key=itemgetter(0)) if start >= starts[0]
        ]
        keys = self._slices.next(grain, ordered, state.pending)
        if not keys:
            return 0
        started = time.monotonic()
        try:
            self._derive_slice(state, grain, keys)
        except WarehouseStrained as failure:
            self._postpone(state, grain, keys, reason(failure))
            return 0
        self._slices.done(grain, keys, state.stuck, time.monotonic() - started)
        return len(keys)

    def _derive_slice(self, state: WorkerState, grain: str, keys: list[PeriodKey]) -> None:
        self.sink.returned()  # a warehouse that was set back would get rows above its progress, which no replay beats
        epochs = self._epochs(state, grain, keys)
        due = [self._due(state, key, epochs.get((key[0], key[1], key[3]), 0)) for key in keys]
        for finer in GRAINS[grain]:
            for family in FAMILIES:
                self.sink.derive(derive(family, finer, due))
            self.sink.derive(derive_latency(finer, due))
            self.beat.move()
        self.sink.insert(
            "touched_periods",
            self.marks((*key, "done", d.applied_offset) for key, d in zip(keys, due, strict=True)),
        )
        for key in keys:
            del state.pending[key]

    def _postpone(self, state: WorkerState, grain: str, keys: list[PeriodKey], why: str) -> None:
        alone = self._slices.failed(grain, keys, state.stuck, why, time.monotonic())
        log.warning("too much at once for the warehouse", grain=grain, periods=len(keys), reason=why)
        if alone is not None and alone.failures == FAILURES_TO_TELL:
            seen_ms = state.partitions[keys[0][0]].applied_clock_ms
            self.sink.insert("alerts", stuck_alert(keys[0], why, seen_ms))

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


def stuck_alert(key: PeriodKey, why: str, seen_ms: int) -> pl.DataFrame:
    """A row of `alerts`: a period cannot be derived, and what to do."""
    partition, organization, grain, day = key
    message = (
        f"The {grain} {day} of {organization} (log partition {partition}) cannot be derived: {why}. Its numbers are "
        "right but slow to read, from quarter hours. Give the warehouse more memory; it is tried again by itself."
    )
    return pl.DataFrame(
        {
            "alert_id": f"stuck_period/{partition}/{organization}/{grain}/{day}",
            "kind": "stuck_period",
            "organization": organization,
            "time": seen_ms,
            "message": message,
            "details": "{}",
        }
    ).with_columns(pl.col("time").cast(pl.Datetime("ms", "UTC")))
