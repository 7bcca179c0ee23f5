"""When erasures are swept again: the partitions of this worker in, sweeps out. Blocking."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from producers.timeliness.rules import TimeRules
from stream_jobs.erasure.erasure import Erasure
from stream_jobs.erasure.scope import Scope
from stream_jobs.erasure.sweep import Sweep
from stream_jobs.worker import job_statements
from stream_jobs.worker.sink import Sink

LOOK_SECONDS = 5.0
ERASURE = (
    *("control_id", "organization", "home", "offset", "user_hash", "certificate", "asked", "due", "version", "state"),
)
"""What `due_erasures` gives."""


@dataclass(slots=True)
class Sweeps:
    """Knows what is due. onlooker: looks must not keep a worker alive that hangs (rule E28)."""

    onlooker: Sink
    erasure: Erasure
    times: TimeRules
    _next: float = field(default=0.0, init=False)
    _again: deque[float] = field(default_factory=lambda: deque([0.0]), init=False)
    """When completed erasures are swept once more."""

    def again(self) -> None:
        """Completed erasures are swept at once, and when everything that was on its way has come: former owners of
        partitions may write late."""
        self._again = deque([0.0, time.monotonic() + self.erasure.sweep_after.total_seconds()])

    def turn(self, partitions: Sequence[int]) -> None:
        """Erasures whose time has come are swept again."""
        self._completed(partitions)
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LOOK_SECONDS
        for found in self.onlooker.rows(job_statements.due_erasures(partitions)):
            row = dict(zip(ERASURE, found, strict=True))
            scope = Scope(row["control_id"], row["organization"], row["home"], row["offset"], not row["user_hash"])
            if row["state"] == "erased":
                if self.erasure.refusals_are_stored(scope.control_id):
                    self.erasure.sweep_again(scope, row)
            else:
                self.erasure.complete(scope, row)

    def _completed(self, partitions: Sequence[int]) -> None:
        """After a takeover, at once and when everything that was on its way has come: beside the stream, so that no
        partition waits for it."""
        sweeps = self._again
        if not sweeps or time.monotonic() < sweeps[0]:
            return
        sweeps[0] = time.monotonic() + LOOK_SECONDS  # one that fails is due again
        sweep = Sweep.of_what_is_kept(self.erasure, self.times)
        if sweep.turn(self.onlooker.rows(job_statements.complete_erasures(partitions))).is_clean:
            sweeps.popleft()
