"""Carries out requests to compute days again, slice by slice between takes, for the partitions of this worker."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl
import structlog

from stream_jobs.calendars.local_calendar import QUARTER_SECONDS, LocalCalendar
from stream_jobs.rollups import repair
from stream_jobs.rollups.cascade import DAY_SECONDS, DuePeriod, derive, derive_latency
from stream_jobs.rollups.repair import Slice
from stream_jobs.worker import statements
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.loading import load_rows
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import PeriodKey, WorkerState
from warehouse.errors import WarehouseRefused, WarehouseStrained
from warehouse.families import FAMILIES, Family

log = structlog.get_logger()
LOOK_SECONDS = 3.0
REST_SHARE = 3.0
"""How much longer than a slice the rest after it is, for ordinary traffic."""
GRAINS = {"day": ("hour", "day"), "week": ("week",)}


@dataclass(frozen=True, slots=True)
class Request:
    """A slice that somebody asked for. version: of its row, to be followed by the next one."""

    repair_id: str
    src_partition: int
    organization: str
    day: date
    version: int


@dataclass(slots=True)
class Repairs:
    """The slices of this worker's partitions. Blocking; nothing else may change the state meanwhile."""

    sink: Sink
    directory: Directory
    _next: float = field(default=0.0, init=False)

    def due(self) -> bool:
        """Whether it is time to look for requests."""
        return time.monotonic() >= self._next

    def requested(self, partitions: Sequence[int]) -> list[Request]:
        """Slices that are not done, oldest first; those that were begun and not ended among them."""
        self._next = time.monotonic() + LOOK_SECONDS
        if not partitions:
            return []
        return [Request(*row) for row in self.sink.rows(statements.open_repairs(partitions))]

    def begun(self, partitions: Sequence[int]) -> list[Request]:
        """Slices that a former owner may have written half: they come before everything else."""
        return [Request(*row) for row in self.sink.rows(statements.open_repairs(partitions, begun_only=True))]

    def carry_out(self, request: Request, cut: int, pending: Collection[PeriodKey]) -> bool:
        """Does one slice; everything up to `cut` is stored. What the warehouse refuses, or cannot do however small, is
        noted as failed; false then."""
        started = time.monotonic()
        work = self._slice_of(request.src_partition, request.organization, request.day, cut)
        try:
            work = self._recompute(work, pending, request)
        except (WarehouseRefused, WarehouseStrained) as refused:
            log.error("repair failed", partition=work.src_partition, day=str(work.day), reason=str(refused)[:500])
            self._note(request, "failed", work, str(refused))
            return False
        self._note(request, "done", work)
        self._next = time.monotonic() + REST_SHARE * (time.monotonic() - started)
        log.info("repaired", partition=work.src_partition, organization=work.organization, day=str(work.day), cut=cut)
        return True

    def _slice_of(self, src_partition: int, organization: str, day: date, cut: int) -> Slice:
        """A day of an organisation with its place in the organisation's calendar."""
        calendar = self._calendar(organization)
        period = calendar.day(day)
        return Slice(src_partition, organization, day, calendar.week_of(day), period.start, period.end, cut)

    def _recompute(self, work: Slice, pending: Collection[PeriodKey], request: Request) -> Slice:
        """Rewrites a slice in all families and grains under a new epoch; returns it with that epoch.

        Derived rows of periods that are pending are emptied and left to the cascade; all others are derived here.
        """
        [(highest,)] = self.sink.rows(repair.highest_epoch(work))
        work = replace(work, epoch=highest + 2)
        self._note(request, "running", work)
        for family in FAMILIES:
            self._quarters(family, work, *work.around())
        for grain in GRAINS:
            self._derived(work, grain, pending)
        return work

    def _quarters(self, family: Family, work: Slice, since: int, until: int) -> None:
        """Rewrites [since, until): half of it at a time when it is too much at once, down to a quarter hour."""
        try:
            self.sink.derive(repair.quarters(family, work, since, until))
        except WarehouseStrained:
            middle = since + (until - since) // 2 // QUARTER_SECONDS * QUARTER_SECONDS
            if middle == since:
                raise
            self._quarters(family, work, since, middle)
            self._quarters(family, work, middle, until)

    def reload(self, state: WorkerState, request: Request) -> None:
        """Takes the rewritten rows over into memory, and learns that there may be others, up to the end of the day."""
        partition = state.partitions[request.src_partition]
        period = self._calendar(request.organization).day(request.day)
        first = max(0, period.start - DAY_SECONDS)
        buckets = pl.Series("bucket", range(first, period.end + DAY_SECONDS, QUARTER_SECONDS), pl.UInt32)
        around = pl.DataFrame({"bucket": buckets}).select(
            pl.lit(request.src_partition, pl.UInt16).alias("src_partition"),
            pl.lit(request.organization).alias("organization"),
            "bucket",
        )
        highest = partition.highest_bucket
        highest[request.organization] = max(highest.get(request.organization, -1), around["bucket"][-1])
        in_memory = around.filter(pl.Series(state.pairs.find(around) >= 0))
        for store in () if in_memory.is_empty() else state.stores:
            stored = load_rows(self.sink, store.family, in_memory)
            if not stored.is_empty():
                store.put(stored)
                partition.horizon = max(partition.horizon, int(stored.select(pl.max("offset")).item()))

    def _calendar(self, organization: str) -> LocalCalendar:
        if unknown := self.directory.unknown({organization}):
            self.directory.learn(unknown, 0)
        return self.directory.calendar(organization)

    def _derived(self, work: Slice, grain: str, pending: Collection[PeriodKey]) -> None:
        first = work.day if grain == "day" else work.week
        waits = (work.src_partition, work.organization, grain, first) in pending
        calendar = self._calendar(work.organization)
        period = calendar.day(first) if grain == "day" else calendar.week(first)
        due = DuePeriod(work.src_partition, work.organization, first, period.start, period.end, work.cut, work.epoch)
        # What the cascade derives later carries the slice's epoch: zeros must stay below it.
        epoch = work.epoch - 1 if waits else work.epoch
        for finer in GRAINS[grain]:
            for family in FAMILIES:
                if not waits:
                    self.sink.derive(derive(family, finer, [due]))
                self.sink.derive(repair.emptied(family, finer, work, epoch))
            if not waits:
                self.sink.derive(derive_latency(finer, [due]))
            self.sink.derive(repair.emptied_latency(finer, work, epoch))

    def _note(self, request: Request, state: str, work: Slice, message: str = "") -> None:
        version = request.version + {"running": 1, "done": 2, "failed": 2}[state]
        self.sink.command(statements.repair_noted(request.repair_id, work, state, message, version))
