"""Ends stream jobs that stopped moving: heartbeats in, SIGKILL out; the supervisor starts them again.

A worker can hang in ways it cannot notice itself (rule E28), so it is watched from outside the process.
"""

import logging
import os
import signal
import time
from dataclasses import dataclass, field

from deploy.errors import DeployError
from deploy.local.home import Home
from deploy.local.supervision import Supervisor

LOG = logging.getLogger("watchdog")
PATIENCE_SECONDS = 30.0
"""With the time to look, to kill and to start again, a worker that hangs is replaced within a minute."""
LOOK_EVERY_SECONDS = 2.0
WATCHED = ("worker", "rejects", "auditor")
"""Services that leave a heartbeat; nothing else is ever touched."""


@dataclass(slots=True)
class Stillness:
    """Remembers since when each worker has shown the same heartbeat. Asked with `now`, it owns no clock."""

    patience_seconds: float = PATIENCE_SECONDS
    _since: dict[str, tuple[int, str, float]] = field(default_factory=dict)

    def still_for_seconds(self, worker: str, pid: int, beat: str, now: float) -> float:
        """How long this process has not moved; a new process starts from zero."""
        known_pid, known_beat, since = self._since.get(worker, (pid, beat, now))
        if (known_pid, known_beat) != (pid, beat):
            since = now
        self._since[worker] = (pid, beat, since)
        return now - since

    def is_stuck(self, worker: str, pid: int, beat: str, now: float) -> bool:
        """True when the process has been still longer than the patience."""
        return self.still_for_seconds(worker, pid, beat, now) > self.patience_seconds


def look(home: Home, supervisor: Supervisor, stillness: Stillness, now: float) -> None:
    """Looks once at every running worker and kills those that are stuck."""
    for process in supervisor.states().values():
        if process.name.partition("-")[0] not in WATCHED or process.state != "RUNNING":
            continue
        if stillness.is_stuck(process.name, process.pid, beat(home, process.name), now):
            LOG.error(
                "%s (pid %d) has not moved for %.0f s: killed, the supervisor starts it again",
                process.name,
                process.pid,
                stillness.patience_seconds,
            )
            os.kill(process.pid, signal.SIGKILL)


def beat(home: Home, worker: str) -> str:
    """The counter that the worker wrote last, "" when there is none."""
    try:
        return (home.run / f"{worker}.beat").read_text()
    except FileNotFoundError:
        return ""


def main() -> None:
    """Looks until it is stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    home = Home.from_environment()
    supervisor, stillness = Supervisor(home), Stillness()
    while True:
        try:
            look(home, supervisor, stillness, time.monotonic())
        except (DeployError, ProcessLookupError) as trouble:
            LOG.warning("could not look: %s", trouble)
        time.sleep(LOOK_EVERY_SECONDS)


if __name__ == "__main__":
    main()
