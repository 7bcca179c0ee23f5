"""Carries out requests to compute days again, bundle by bundle between takes, for the partitions of this worker."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import compress
from operator import not_
from types import MappingProxyType

import polars as pl
import structlog

from stream_jobs.calendars.local_calendar import QUARTER_SECONDS
from stream_jobs.rollups import repair
from stream_jobs.rollups.bundle import Bundle, Slice
from stream_jobs.rollups.cascade import DuePeriod, derive, derive_latency
from stream_jobs.rollups.spans import parts
from stream_jobs.worker import job_statements
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.loading import load_rows
from stream_jobs.worker.requests import Request, Requests
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import PeriodKey, WorkerState
from warehouse.errors import WarehouseRefused, WarehouseStrained
from warehouse.families import FAMILIES, Family
from warehouse.literals import masked

log = structlog.get_logger()
SPAN_EVENTS = 100_000
"""Raw events whose quarter hours are computed again at once: takes wait for it, a second or two."""
Counts = Mapping[tuple[str, date], int]
"""By organization and day."""
NOTHING: Counts = MappingProxyType({})
GRAINS = {"day": ("hour", "day"), "week": ("week",)}


@dataclass(frozen=True, slots=True)
class Derivation:
    """Rows that are derived again once the quarter hours of a bundle are rewritten: those of a grain that belongs to a
    period (day or week), of a family. None: the histograms."""

    period: str
    grain: str
    family: Family | None


DERIVATIONS = [
    Derivation(period, grain, family)
    for period, grains in GRAINS.items()
    for grain in grains
    for family in (*FAMILIES, None)
]
"""Everything that a bundle derives, in order; each may have a halt of its own, at a cut of its own."""


@dataclass(slots=True)
class Repairs:
    """The slices of this worker's partitions. Blocking; nothing else may change the state meanwhile."""

    sink: Sink
    directory: Directory

    def requested(self, partitions: Sequence[int], onlooker: Sink | None = None) -> list[Request]:
        """Slices that somebody asked for without a job, oldest first. onlooker: who asks, if not the sink."""
        return [Request(*row) for row in (onlooker or self.sink).rows(job_statements.open_repairs(partitions))]

    def begun(self, partitions: Sequence[int]) -> list[Request]:
        """Slices that a former owner may have written half: they come before everything else."""
        return [Request(*row) for row in self.sink.rows(job_statements.open_repairs(partitions, begun_only=True))]

    def carry_out(self, requests: Requests, cut: int, pending: Collection[PeriodKey]) -> bool:
        """Does them; everything up to `cut` is stored. What the warehouse refuses, or cannot do however small, is noted
        as failed; false then."""
        work = self.bundle_of(requests, cut)
        try:
            work = self.begun_as(requests, work)
            for family in FAMILIES:
                self._quarters(family, work, *work.around())
            for derivation in DERIVATIONS:
                self.derive_again(work, derivation, pending)
            self.finish(requests, work, self.rewritten(requests, work))
        except (WarehouseRefused, WarehouseStrained) as refused:
            if len(requests) > 1:
                done = [self.carry_out((each,), cut, pending) for each in requests]
                return all(done)
            self.give_up(requests, work, str(refused))
            return False
        return True

    def bundle_of(self, requests: Requests, cut: int) -> Bundle:
        """The days with their places in their organisations' calendars."""
        return Bundle(requests[0].src_partition, tuple(map(self._slice, requests)), cut)

    def _slice(self, request: Request) -> Slice:
        calendar = self.directory.learned(request.organization)
        period = calendar.day(request.day)
        return Slice(request.organization, request.day, calendar.week_of(request.day), period.start, period.end)

    def claimed(self, requests: Requests, work: Bundle) -> list[Request]:
        """Notes that they are begun, before the first of their raw events changes; those that are not over meanwhile.

        From then on they are done to their end, whoever dies or cancels their job.
        """
        first = requests[0]
        self.sink.command(job_statements.slices_claimed(first.repair_id, work, first.version + 1))
        running = set(self.sink.rows(job_statements.slices_running(first.repair_id, work)))
        return [request for request in requests if (request.organization, request.day) in running]

    def begun_as(self, requests: Requests, work: Bundle) -> Bundle:
        """The bundle with the epoch that its rows will have, noted before the first of them."""
        [(highest,)] = self.sink.rows(repair.highest_epoch(work))
        work = replace(work, epoch=highest + 2)
        self._note(requests, "running", work)
        return work

    def rewritten(self, requests: Requests, work: Bundle) -> Counts:
        """How many raw events of each slice its job has rewritten, also before a kill; none without a job."""
        found = self.sink.rows(job_statements.rewritten_events(requests[0].repair_id, work))
        return {(organization, day): count for organization, day, count in found}

    def spans(self, work: Bundle) -> list[tuple[int, int]]:
        """Their quarter hours in parts (Unix seconds) of some SPAN_EVENTS raw events, in order; never none."""
        quarters = self.sink.rows(repair.events_per_quarter(work))
        return parts(quarters, SPAN_EVENTS) or [work.around()]

    def recompute(self, work: Bundle, since: int, until: int) -> None:
        """Rewrites the quarter hours of all families in [since, until). Raises WarehouseRefused, WarehouseStrained."""
        for family in FAMILIES:
            self._quarters(family, work, since, until)

    def build_beside(self, work: Bundle, since: int, until: int) -> None:
        """Sums [since, until) into the replayed rows, at a cut that is applied; takes may go on."""
        for family in FAMILIES:
            self.sink.derive(repair.built_beside(family, work, since, until))

    def switch(self, work: Bundle, built_at: int) -> Counts:
        """Puts the replayed rows in use, and quarter hours that have changed since; how many rows of each differed."""
        differed: Counter[tuple[str, date]] = Counter()
        for family in FAMILIES:
            found = self.sink.rows(repair.differing(family, work, built_at))
            differed.update({(organization, day): count for organization, day, count in found})
        for (start,) in self.sink.rows(repair.changed_since(work, built_at)):
            self.recompute(work, start, start + QUARTER_SECONDS)
        for family in FAMILIES:
            self.sink.derive(repair.switched(family, work, built_at))
        return differed

    def forget_built(self, control_id: str, home: int, partition: int) -> None:
        """Empties the replayed rows of a partition: in one of a former generation those of the job's organizations,
        because jobs of other partitions may be building there."""
        for family in FAMILIES:
            table = f"replayed_{family.table}"
            if partition == home:
                self.sink.command(f"ALTER TABLE {table} DROP PARTITION {partition}")
            else:
                self.sink.command(job_statements.built_forgotten(table, control_id, home, partition))

    def derive_again(self, work: Bundle, derivation: Derivation, pending: Collection[PeriodKey]) -> None:
        """Derives rows of slices whose quarter hours are all rewritten. Those of periods that are pending are emptied
        and left to the cascade."""
        period, grain, family = derivation.period, derivation.grain, derivation.family
        firsts = [each.day if period == "day" else each.week for each in work.slices]
        waits = [
            (work.src_partition, each.organization, period, first) in pending
            for each, first in zip(work.slices, firsts, strict=True)
        ]
        if due := self._due(work, period, compress(zip(work.slices, firsts, strict=True), map(not_, waits))):
            self.sink.derive(derive(family, grain, due) if family else derive_latency(grain, due))
        # What the cascade derives later carries the bundle's epoch: zeros must stay below it.
        for epoch, those in ((work.epoch, map(not_, waits)), (work.epoch - 1, waits)):
            part = work.only(compress(work.slices, those))
            if part.slices:
                self.sink.derive(
                    repair.emptied(family, grain, part, epoch) if family else repair.emptied_latency(grain, part, epoch)
                )

    def finish(self, requests: Requests, work: Bundle, events: Counts) -> None:
        """Once everything is derived. events: raw events that were rewritten before."""
        self._note(requests, "done", work, events=events)
        days = sorted(each.day for each in work.slices)
        log.info(
            "computed again",
            partition=work.src_partition,
            organizations=len(work.organizations),
            slices=len(work.slices),
            first=str(days[0]),
            last=str(days[-1]),
            cut=work.cut,
        )

    def give_up(self, requests: Requests, work: Bundle, why: str, events: Counts = NOTHING) -> None:
        """Notes that they cannot be done, or not all of their events, without naming whom the warehouse's words are
        about."""
        said = masked(why)
        log.error("repair failed", partition=work.src_partition, day=str(work.slices[0].day), reason=said[:500])
        self._note(requests, "failed", work, said, events)

    def _quarters(self, family: Family, work: Bundle, since: int, until: int) -> None:
        """Rewrites [since, until): half of it at a time when it is too much at once, down to a quarter hour."""
        try:
            self.sink.derive(repair.quarters(family, work, since, until))
        except WarehouseStrained:
            middle = since + (until - since) // 2 // QUARTER_SECONDS * QUARTER_SECONDS
            if middle == since:
                raise
            self._quarters(family, work, since, middle)
            self._quarters(family, work, middle, until)

    def reload(self, state: WorkerState, work: Bundle, since: int, until: int) -> None:
        """Takes the rewritten rows of [since, until) over into memory, and learns that there may be others."""
        partition = state.partitions[work.src_partition]
        around = [self._around(work, name, since, until) for name in work.organizations]
        rewritten = pl.concat(around)
        for buckets in around:
            if not buckets.is_empty():
                name, last = buckets["organization"][0], buckets["bucket"][-1]
                partition.highest_bucket[name] = max(partition.highest_bucket.get(name, -1), last)
        in_memory = rewritten.filter(pl.Series(state.pairs.find(rewritten) >= 0, dtype=pl.Boolean))
        for store in () if in_memory.is_empty() else state.stores:
            stored = load_rows(self.sink, store.family, in_memory)
            if not stored.is_empty():
                store.put(stored)
                partition.horizon = max(partition.horizon, int(stored.select(pl.max("offset")).item()))

    @staticmethod
    def _around(work: Bundle, organization: str, since: int, until: int) -> pl.DataFrame:
        """The quarter hours around an organization's days in [since, until), in order."""
        first, last = work.only(each for each in work.slices if each.organization == organization).around()
        begin = -(-max(first, since) // QUARTER_SECONDS) * QUARTER_SECONDS
        buckets = pl.Series("bucket", range(begin, max(begin, min(last, until)), QUARTER_SECONDS), pl.UInt32)
        return pl.DataFrame({"bucket": buckets}).select(
            pl.lit(work.src_partition, pl.UInt16).alias("src_partition"),
            pl.lit(organization).alias("organization"),
            "bucket",
        )

    def _due(self, work: Bundle, period: str, slices: Iterable[tuple[Slice, date]]) -> list[DuePeriod]:
        """The days, or the weeks they lie in."""
        found = []
        for organization, first in sorted({(each.organization, first) for each, first in slices}):
            calendar = self.directory.learned(organization)
            span = calendar.day(first) if period == "day" else calendar.week(first)
            found.append(DuePeriod(work.src_partition, organization, first, span.start, span.end, work.cut, work.epoch))
        return found

    def _note(
        self,
        requests: Requests,
        state: str,
        work: Bundle,
        message: str = "",
        events: Counts = NOTHING,
    ) -> None:
        first = requests[0]
        version = first.version + {"running": 2, "done": 3, "failed": 3}[state]
        self.sink.command(job_statements.slices_noted(first.repair_id, work, state, message, version, events))
