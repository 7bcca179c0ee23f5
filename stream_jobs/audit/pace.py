"""The heartbeat of the audit: steps in, a beat out that stands still when no step ends for too long."""

import threading
import time
from dataclasses import dataclass, field

from stream_jobs.worker.beat import Beat

STEP_SECONDS = 300.0
"""The longest that one statement, or the wait for the next batch of the log, may take."""
WRITE_SECONDS = 1.0


@dataclass(slots=True)
class Pace:
    """A thread writes for the process, whose other thread may wait for one long statement."""

    beat: Beat
    told: dict[str, object] = field(default_factory=dict)
    """What the status file says about the last audit."""
    _last: float = field(default_factory=time.monotonic)

    def step(self) -> None:
        """Something was compared, or nothing is due."""
        self._last = time.monotonic()

    def write(self, now: float) -> None:
        """Moves the beat unless the last step was too long ago."""
        if now - self._last < STEP_SECONDS:
            self.beat.move()
        self.beat.write({"audit": self.told})

    def keep(self) -> None:
        """Writes from a thread of its own."""
        threading.Thread(target=self._keep, name="pace", daemon=True).start()

    def _keep(self) -> None:
        while True:
            self.write(time.monotonic())
            time.sleep(WRITE_SECONDS)
