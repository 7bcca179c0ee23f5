"""Audit after audit: settings in, a status and metrics out, until the process is told to stop."""

import threading
import time
from dataclasses import dataclass, field

import structlog

from stream_jobs.audit.audit import Audit
from stream_jobs.audit.metrics import Metrics
from stream_jobs.audit.pace import Pace
from stream_jobs.worker.liveness import WAREHOUSE
from warehouse.errors import WarehouseUnavailable
from warehouse.literals import masked

log = structlog.get_logger()
RETRY_SECONDS = 10.0
LOOK_SECONDS = 0.5


@dataclass(slots=True)
class Schedule:
    """When the next audit begins. An unavailable warehouse is waited for, and asked again soon."""

    audit: Audit
    pace: Pace
    metrics: Metrics
    every_seconds: float
    first_seconds: float
    _due: float = field(init=False)

    def __post_init__(self) -> None:
        self._due = time.monotonic() + self.first_seconds

    def keep(self, stop: threading.Event) -> None:
        """Runs audits when they are due."""
        while not stop.wait(LOOK_SECONDS):
            self.pace.step()
            if time.monotonic() >= self._due:
                self._due = time.monotonic() + self.once()

    def once(self) -> float:
        """One audit; returns the seconds until the next."""
        waits = self.pace.beat.waits
        try:
            audited = self.audit.run()
        except WarehouseUnavailable as failure:
            log.warning("waiting for the warehouse", reason=masked(str(failure))[:300])
            waits.begin(WAREHOUSE)
            return min(RETRY_SECONDS, self.every_seconds)
        waits.end(WAREHOUSE)
        if audited is None:
            return min(RETRY_SECONDS, self.every_seconds)
        self.metrics.tell(audited)
        differing, finished = audited.report.differing, audited.finished
        self.pace.told = {"finished": finished.timestamp(), "differing": differing, "message": audited.message}
        tell = log.error if differing else log.info
        tell("audited", rows=audited.report.rows, differing=differing, message=audited.message)
        return self.every_seconds
