"""Takes partitions over: what former owners left half done is settled, then everything is loaded. Blocking."""

import time
from collections.abc import Collection
from dataclasses import dataclass

import structlog

from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.worker.books import Books
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.former import Former
from stream_jobs.worker.loading import load_partitions, load_pending
from stream_jobs.worker.partition import Partition, Progress
from stream_jobs.worker.poison.caution import Caution
from stream_jobs.worker.repair import Repairs
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
    tombstones: Tombstones
    books: Books
    window_events: int

    def partitions(self, progress: dict[int, Progress]) -> tuple[dict[int, Partition], dict[PeriodKey, Pending]]:
        """The partitions of this progress, those of finished generations beside them, and all pending periods."""
        started = time.monotonic()
        former_ms, finished = self.former.finish(list(progress))
        pending = load_pending(self.sink, self.directory, [*progress, *finished])
        self._settle(progress, pending)
        loaded = load_partitions(self.sink, progress, self.window_events, self.tombstones, former_ms)
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
        for request in self.repairs.begun(list(progress)):
            self.repairs.carry_out(request, progress[request.src_partition].applied_offset, pending)
