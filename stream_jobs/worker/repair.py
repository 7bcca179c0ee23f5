"""Carries out requests to compute days again, slice by slice between takes, for the partitions of this worker."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl
import structlog

from stream_jobs.calendars.local_calendar import QUARTER_SECONDS
from stream_jobs.calendars.organization_calendar import OrganizationCalendar
from stream_jobs.rollups import repair
from stream_jobs.rollups.cascade import DuePeriod, derive, derive_latency
from stream_jobs.rollups.repair import Slice
from stream_jobs.rollups.spans import parts
from stream_jobs.worker import statements
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.loading import load_rows
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import PeriodKey, WorkerState
from warehouse.errors import WarehouseRefused, WarehouseStrained
from warehouse.families import FAMILIES, Family

log = structlog.get_logger()
SPAN_EVENTS = 250_000
"""Raw events whose quarter hours are computed again at once: takes wait for it, some hundred milliseconds."""
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

    def requested(self, partitions: Sequence[int]) -> list[Request]:
        """Slices that somebody asked for without a job, oldest first."""
        return [Request(*row) for row in self.sink.rows(statements.open_repairs(partitions))] if partitions else []

    def begun(self, partitions: Sequence[int]) -> list[Request]:
        """Slices that a former owner may have written half: they come before everything else."""
        return [Request(*row) for row in self.sink.rows(statements.open_repairs(partitions, begun_only=True))]

    def carry_out(self, request: Request, cut: int, pending: Collection[PeriodKey]) -> bool:
        """Does one slice; everything up to `cut` is stored. What the warehouse refuses, or cannot do however small, is
        noted as failed; false then."""
        work = self.slice_of(request, cut)
        try:
            work = self.begun_as(request, work)
            for family in FAMILIES:
                self._quarters(family, work, *work.around())
            self.finish(request, work, pending)
        except (WarehouseRefused, WarehouseStrained) as refused:
            self.give_up(request, work, str(refused))
            return False
        return True

    def slice_of(self, request: Request, cut: int) -> Slice:
        """A day of an organisation with its place in the organisation's calendar."""
        calendar, day = self._calendar(request.organization), request.day
        period = calendar.day(day)
        return Slice(
            request.src_partition, request.organization, day, calendar.week_of(day), period.start, period.end, cut
        )

    def begun_as(self, request: Request, work: Slice) -> Slice:
        """The slice with the epoch that its rows will have, noted before the first of them."""
        [(highest,)] = self.sink.rows(repair.highest_epoch(work))
        work = replace(work, epoch=highest + 2)
        self._note(request, "running", work)
        return work

    def spans(self, work: Slice) -> list[tuple[int, int]]:
        """The day's quarter hours in parts (Unix seconds) of some SPAN_EVENTS raw events, in order; never none."""
        quarters = self.sink.rows(repair.events_per_quarter(work))
        return parts(quarters, SPAN_EVENTS) or [work.around()]

    def recompute(self, work: Slice, since: int, until: int) -> None:
        """Rewrites the quarter hours of all families in [since, until). Raises WarehouseRefused, WarehouseStrained."""
        for family in FAMILIES:
            self._quarters(family, work, since, until)

    def build_beside(self, work: Slice, since: int, until: int) -> None:
        """Sums [since, until) into the replayed rows, at a cut that is applied; takes may go on."""
        for family in FAMILIES:
            self.sink.derive(repair.built_beside(family, work, since, until))

    def switch(self, work: Slice, built_at: int) -> int:
        """Puts the replayed rows in use, and quarter hours that have changed since; returns how many rows differed."""
        differed = sum(int(self.sink.rows(repair.differing(family, work, built_at))[0][0]) for family in FAMILIES)
        for (start,) in self.sink.rows(repair.changed_since(work, built_at)):
            self.recompute(work, start, start + QUARTER_SECONDS)
        for family in FAMILIES:
            self.sink.derive(repair.switched(family, work, built_at))
        return differed

    def forget_built(self, partition: int) -> None:
        """Empties the replayed rows of a partition."""
        for family in FAMILIES:
            self.sink.command(f"ALTER TABLE replayed_{family.table} DROP PARTITION {partition}")

    def finish(self, request: Request, work: Slice, pending: Collection[PeriodKey], events: int = 0) -> None:
        """Once all quarter hours are rewritten. Derived rows of periods that are pending are emptied and left to the
        cascade; all others are derived here. events: raw events that were rewritten before.
        """
        for grain in GRAINS:
            self._derived(work, grain, pending)
        self._note(request, "done", work, events=events)
        log.info(
            "computed again",
            partition=work.src_partition,
            organization=work.organization,
            day=str(work.day),
            cut=work.cut,
        )

    def give_up(self, request: Request, work: Slice, why: str) -> None:
        """Notes that the slice cannot be done."""
        log.error("repair failed", partition=work.src_partition, day=str(work.day), reason=why[:500])
        self._note(request, "failed", work, why)

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

    def reload(self, state: WorkerState, request: Request, since: int, until: int) -> None:
        """Takes the rewritten rows of [since, until) over into memory, and learns that there may be others."""
        partition = state.partitions[request.src_partition]
        first = -(-since // QUARTER_SECONDS) * QUARTER_SECONDS
        if first >= until:
            return
        buckets = pl.Series("bucket", range(first, until, QUARTER_SECONDS), pl.UInt32)
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

    def _calendar(self, organization: str) -> OrganizationCalendar:
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

    def _note(self, request: Request, state: str, work: Slice, message: str = "", events: int = 0) -> None:
        version = request.version + {"running": 1, "done": 2, "failed": 2}[state]
        self.sink.command(statements.repair_noted(request.repair_id, work, state, message, version, events))
