"""Makes takes durable in the one right order, acknowledges them, and derives closed periods between flushes.

Order (rule E9): raw rows, touched periods and what control records left -> rollup rows -> refusals and forwarded
events -> progress -> acknowledgement. One flush at a time; raw inserts of the next takes run beside it. Whatever dies
between two steps is repeated without effect. Marks come before rows, so that a view never takes a stale derived row
for a touched period.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import structlog
from structlog.contextvars import bind_contextvars

from producers.rejections.rejection import Rejection
from stream_jobs.deduplication.window import Chunk
from stream_jobs.worker.batch import Batch, Event, snapshot
from stream_jobs.worker.cascade import Cascade
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.guard import check_not_set_back, check_stored
from stream_jobs.worker.loading import pending_period
from stream_jobs.worker.metrics import Metrics, Steps
from stream_jobs.worker.routing import Forwarded
from stream_jobs.worker.settings import LOGIC_VERSION, WorkerSettings
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import Pending, PeriodKey, WorkerState
from stream_jobs.worker.take import Taken
from stream_jobs.worker.work import spans
from warehouse.families import FAMILIES

log = structlog.get_logger()
RAW_INSERTS_IN_FLIGHT = 2
RAW_ROWS = 30_000
"""From how many rows on raw inserts begin before the flush: each costs the same 20 ms of CPU, however few they are."""
REST = 1.5
"""From one flush's start to the next one's at least, in times of how long the last one took."""
LONGEST_REST_SECONDS = 10.0
"""However long the last flush waited for an absent warehouse."""
RESTART_SECONDS = 1.0
"""No warehouse is stopped, set back and started in less: what was written so short a time ago is still there."""
SHORT_BACKLOG = 64
"""Envelopes; with more of them flushes are rarer, which costs less."""


class Flusher:
    """Owner of everything between a take and its acknowledgement."""

    def __init__(
        self,
        settings: WorkerSettings,
        sink: Sink,
        directory: Directory,
        cascade: Cascade,
        metrics: Metrics,
        acknowledge: Callable[[Event], Awaitable[None]],
        send_refusal: Callable[[Rejection], Awaitable[Awaitable[Any]]],
        forward: Callable[[Forwarded], Awaitable[Awaitable[Any]]],
    ) -> None:
        self._settings = settings
        self._sink = sink
        self._directory = directory
        self._cascade = cascade
        self._metrics = metrics
        self._acknowledge = acknowledge
        self._send_refusal = send_refusal
        self._forward = forward
        self._batch = Batch()
        self._running: asyncio.Task[None] | None = None
        self._writing = 0
        """Envelopes of the flush in progress."""
        self._seconds = 0.0
        """How long the last flush took."""
        self.taking = False
        """True while a take changes the state: no snapshot is taken then (rule E3)."""
        self.hurry = False
        """Set when a rebalance waits for acknowledgements."""
        self.check_log: Callable[[WorkerState], None] = lambda _state: None
        """Raises when the log is another one than the state was begun with; asked before progress is written."""

    @property
    def idle(self) -> bool:
        """Nothing is in the middle of a take, waits to be written or is being written."""
        return not self._batch.events and not self._busy and not self.taking

    @property
    def _busy(self) -> bool:
        return self._running is not None and not self._running.done()

    @property
    def taken(self) -> int:
        """Envelopes taken and not yet acknowledged."""
        return len(self._batch.events) + self._writing

    @property
    def waiting(self) -> int:
        """Takes not yet being written."""
        return self._batch.takes

    @property
    def rests(self) -> bool:
        """No flush or cascade runs and no take is in the middle."""
        return not self._busy and not self.taking

    async def finish(self) -> None:
        """Waits for the flush in progress and forgets what was not flushed (the partitions were taken away)."""
        if self._running is not None:
            await self._running
        self._batch = Batch()

    async def drain(self, state: WorkerState) -> None:
        """Writes and acknowledges everything taken so far."""
        await self.start(state)
        if self._running is not None:
            await self._running

    async def add(self, events: list[Event], taken: Taken) -> None:
        """Takes over a take. Waits while two raw inserts are in flight."""
        batch = self._batch
        batch.add(events, taken)
        for rejection in taken.rejections:
            batch.sent.append(await self._send_refusal(rejection))
        for forwarded in taken.forwarded:
            batch.sent.append(await self._forward(forwarded))
        if batch.rows_waiting >= RAW_ROWS:
            running = [task for task in batch.raw if not task.done()]
            if len(running) >= RAW_INSERTS_IN_FLIGHT:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            self._begin_raw(batch)

    def _begin_raw(self, batch: Batch) -> None:
        if batch.frames:
            batch.raw.append(asyncio.create_task(self._insert_raw(*batch.handed_over())))

    async def _insert_raw(self, raw: pl.DataFrame, chunks: list[Chunk]) -> None:
        await asyncio.to_thread(self._sink.insert, "usage_raw", raw)
        for chunk in chunks:
            chunk.durable = True

    def due(self, backlog_envelopes: int) -> bool:
        """Whether a flush should start now: soon when little waits in the log, later when much does.

        backlog_envelopes: not applied, those that were taken among them. These do not count: how many they are depends
        on how often is flushed.
        """
        if self.taking or self._busy or not self._batch.events:
            return False
        short = backlog_envelopes - self.taken <= SHORT_BACKLOG
        limit = self._settings.flush_seconds_short if short else self._settings.flush_seconds_long
        rest = min(REST * self._seconds, LONGEST_REST_SECONDS)
        # Where flushes are slow because everybody waits for a processor, flushing all the time makes all slower.
        return self.hurry or time.monotonic() - self._batch.started >= max(limit, rest)

    async def start(self, state: WorkerState) -> None:
        """Takes a snapshot of what is to be written and writes it in the background."""
        while self._running is not None and not self._running.done():
            await self._running
        if self._running is not None:
            self._running.result()  # nothing may be written after a flush that failed
        batch, self._batch, self.hurry = self._batch, Batch(), False
        if not batch.events:
            return
        self._begin_raw(batch)
        frames = [snapshot(store, touched) for store, touched in zip(state.stores, batch.rows, strict=True)]
        progress = self._progress(state, batch)
        self._writing = len(batch.events)
        self._running = asyncio.create_task(self._flush(state, batch, frames, progress), name=str(spans(batch.events)))
        self._running.add_done_callback(_raise_in_loop)

    def _progress(self, state: WorkerState, batch: Batch) -> dict[int, dict[str, Any]]:
        tops: dict[int, int] = {}
        for event in batch.events:
            tops[self._settings.src_partition(event.message.partition)] = event.message.offset
        rows = {}
        for number, top in tops.items():
            partition = state.partitions[number]
            counts = partition.counts
            rows[number] = {
                "src_partition": number,
                "applied_offset": top,
                "applied_time": partition.clock_ms,
                "seen": counts.seen,
                "accepted": counts.accepted,
                "duplicates": counts.duplicates,
                "rejected": counts.rejected,
                "misrouted": counts.misrouted,
            }
        return rows

    async def _flush(
        self,
        state: WorkerState,
        batch: Batch,
        frames: list[pl.DataFrame | None],
        progress: dict[int, dict[str, Any]],
    ) -> None:
        bind_contextvars(work=spans(batch.events))
        started, steps, failures = time.monotonic(), Steps(self._metrics), self._sink.failures
        marks = self._marks(batch.periods, progress)
        beside = {table: pl.concat(rows) for table, rows in batch.written.items()}
        await asyncio.gather(
            *batch.raw,
            asyncio.to_thread(self._check_not_set_back, state),
            asyncio.to_thread(self._mark_touched, state, marks),
            *(asyncio.to_thread(self._sink.insert, *rows) for rows in beside.items()),
        )
        self._place_again(state, beside.get("organizations"))
        steps.done("raw and touched")
        rollups = {f.table: _quarters(frame) for f, frame in zip(FAMILIES, frames, strict=True) if frame is not None}
        await asyncio.gather(*(asyncio.to_thread(self._sink.insert, *rows) for rows in rollups.items()))
        written = time.monotonic()
        steps.done("rollups")
        await asyncio.gather(*batch.sent)
        steps.done("sent")
        await asyncio.gather(
            asyncio.to_thread(self._check_not_set_back, state), asyncio.to_thread(self.check_log, state)
        )
        steps.done("check")

        def prove() -> None:
            nonlocal written, failures
            while True:
                if self._sink.failures != failures or time.monotonic() - written > RESTART_SECONDS:
                    failures = self._sink.failures
                    self._write_again(marks, beside | rollups)
                    written = time.monotonic()
                check_stored(self._sink, batch.accepted, self._spans(state, progress))
                if self._sink.failures == failures:
                    return

        frame = self._progress_frame(state, progress)
        await asyncio.to_thread(self._sink.insert, "partition_progress", frame, prove)
        steps.done("progress")
        self._metrics.shown(np.array([event.message.timestamp for event in batch.events]), np.array(batch.heights))
        for number, row in progress.items():
            partition = state.partitions[number]
            partition.applied, partition.applied_clock_ms = row["applied_offset"], row["applied_time"]
            partition.proven = partition.applied
        state.acknowledged_take = max(state.acknowledged_take, batch.take)
        for event in batch.events:
            await self._acknowledge(event)
        self._writing = 0
        steps.done("acknowledge")
        self._seconds = time.monotonic() - started
        self._metrics.flushed(len(batch.events), sum(f.height for f in frames if f is not None), self._seconds)

    @staticmethod
    def _spans(state: WorkerState, progress: dict[int, dict[str, Any]]) -> dict[int, tuple[int, int]]:
        return {number: (state.partitions[number].applied, row["applied_offset"]) for number, row in progress.items()}

    def _check_not_set_back(self, state: WorkerState) -> None:
        check_not_set_back(self._sink, self._settings.events_topic, state.partitions)

    @staticmethod
    def _marks(periods: dict[PeriodKey, Pending], progress: dict[int, dict[str, Any]]) -> dict[PeriodKey, Pending]:
        return {key: replace(of, touched=progress[key[0]]["applied_offset"]) for key, of in periods.items()}

    def _mark_touched(self, state: WorkerState, marks: dict[PeriodKey, Pending]) -> None:
        # Closed periods are marked again though they are pending: a former owner's late `done` may hide the old mark.
        fresh = {
            key: touched
            for key, touched in marks.items()
            if key not in state.pending or touched.period.end * 1000 <= state.partitions[key[0]].applied_clock_ms
        }
        self._insert_marks(fresh)
        for key, touched in fresh.items():
            state.touch(key, touched)

    def _place_again(self, state: WorkerState, changed: pl.DataFrame | None) -> None:
        """Periods that were touched before their organisation's calendar was changed end where it says now."""
        names = set() if changed is None else set(changed["organization"])
        for key, pending in list(state.pending.items()) if names else ():
            if key[1] in names:
                state.pending[key] = pending_period(self._directory, key, pending.touched)

    def _insert_marks(self, marks: dict[PeriodKey, Pending]) -> None:
        if marks:
            self._directory.write_years({(key[1], key[3]) for key in marks})
            rows = [(*key, "touched", touched.touched) for key, touched in marks.items()]
            self._sink.insert("touched_periods", self._cascade.marks(rows))

    def _write_again(self, marks: dict[PeriodKey, Pending], others: dict[str, pl.DataFrame]) -> None:
        """What follows the events, for a warehouse that may have come back with them, but without this."""
        self._directory.forget_years()
        self._insert_marks(marks)
        for table, frame in others.items():
            self._sink.insert(table, frame)

    def _progress_frame(self, state: WorkerState, progress: dict[int, dict[str, Any]]) -> pl.DataFrame:
        return pl.DataFrame(list(progress.values())).with_columns(
            pl.lit(self._settings.events_topic).alias("topic"),
            pl.lit(state.topic_id).alias("topic_id"),
            pl.col("src_partition").cast(pl.UInt16),
            pl.col("applied_time").cast(pl.Datetime("ms", "UTC")),
            pl.lit(LOGIC_VERSION, pl.UInt32).alias("logic_version"),
            pl.lit(self._settings.name).alias("worker"),
        )

    async def cascade(self, state: WorkerState, *, alone: bool = True) -> None:
        """Derives what is closed, when no flush is running; the next flush waits for it. alone: nothing else waits."""
        if self._busy or self.taking:
            return
        self._running = asyncio.create_task(self._derive(state, alone))
        self._running.add_done_callback(_raise_in_loop)

    async def _derive(self, state: WorkerState, alone: bool) -> None:
        with self._metrics.cascade_seconds.time():
            await asyncio.to_thread(partial(self._cascade.run, state, alone=alone))


def _quarters(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.lit("quarter").alias("grain"))


def _raise_in_loop(task: asyncio.Task[None]) -> None:
    """A failed flush ends the process: state and warehouse may no longer agree (rule: exit and resume)."""
    if not task.cancelled() and (failure := task.exception()) is not None:
        context = {"message": "flush failed", "exception": failure, "work": task.get_name()}
        task.get_loop().call_exception_handler(context)
