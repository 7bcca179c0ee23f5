"""Takes partitions over: what former owners left half done is settled, then everything is loaded. Blocking."""

import time
from collections.abc import Collection
from dataclasses import dataclass

import structlog

from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.errors import JobRefused
from stream_jobs.worker.books import Books
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.former import Former
from stream_jobs.worker.guard import check_not_set_back
from stream_jobs.worker.loading import load_partitions, load_pending
from stream_jobs.worker.partition import Partition, Progress
from stream_jobs.worker.poison.caution import Caution
from stream_jobs.worker.poison.job_attempts import JobAttempts
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.requests import Requests, bundles, mark_of, together
from stream_jobs.worker.rollback import roll_back
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import Pending, PeriodKey

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Takeover:
    """Everything a partition needs before its first take."""

    sink: Sink
    directory: Directory
    former: Former
    repairs: Repairs
    caution: Caution
    attempts: JobAttempts
    tombstones: Tombstones
    books: Books
    window_events: int

    def partitions(self, progress: dict[int, Progress]) -> tuple[dict[int, Partition], dict[PeriodKey, Pending]]:
        """The partitions of this progress, those of finished generations beside them, and all pending periods.

        Raises WarehouseSetBack when the warehouse became an older one meanwhile: ids of events up to this progress may
        be missing in what was loaded, and copies of them would be taken for new events.
        """
        started = time.monotonic()
        former_ms, finished = self.former.finish(list(progress))
        pending = load_pending(self.sink, self.directory, [*progress, *finished])
        self._settle(progress, pending)
        loaded = load_partitions(self.sink, progress, self.window_events, self.tombstones, former_ms)
        check_not_set_back(self.sink, self.former.settings.events_topic, loaded)
        revisions = loaded.values()
        self.books.need((p.prices for p in revisions), (p.multipliers for p in revisions))
        self.caution.resume(loaded)
        log.info(
            "partitions loaded",
            partitions=sorted(progress),
            ids=sum(len(partition.window) for partition in loaded.values()),
            pending_periods=len(pending),
            seconds=round(time.monotonic() - started, 3),
            cpu_seconds=round(time.process_time(), 2),
        )
        return loaded | finished, pending

    def _settle(self, progress: dict[int, Progress], pending: Collection[PeriodKey]) -> None:
        roll_back(self.sink, self.repairs, progress, pending)
        for requests in self._begun(progress):
            applied = progress[requests[0].src_partition].applied_offset
            try:
                with self.attempts.at(*mark_of(requests)):
                    self.repairs.carry_out(requests, applied, pending)
            except JobRefused as refused:
                self.repairs.give_up(requests, self.repairs.bundle_of(requests, applied), str(refused))

    def _begun(self, progress: Collection[int]) -> list[Requests]:
        """What was in work together is ended together, unless processes died of it."""
        found = self.repairs.begun(list(progress))
        deadly = {each for each in found if self.attempts.is_deadly(*together(each))}
        alone = [(each,) for each in found if each in deadly]
        return alone + bundles((each for each in found if each not in deadly), {})
