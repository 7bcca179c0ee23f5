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
START_SECONDS = 180.0
"""Patience with a process that has not served yet: on a machine that is overloaded a start alone takes a minute."""
LOOK_EVERY_SECONDS = 2.0
WATCHED = ("worker", "rejects", "auditor")
"""Services that leave a heartbeat; nothing else is ever touched."""


@dataclass(slots=True)
class Stillness:
    """Remembers since when each worker has shown the same heartbeat. Asked with `now`, it owns no clock."""

    patience_seconds: float = PATIENCE_SECONDS
    start_seconds: float = START_SECONDS
    _since: dict[str, tuple[int, str, float]] = field(default_factory=dict)

    def still_for_seconds(self, worker: str, pid: int, beat: str, now: float) -> float:
        """How long this process has not moved; a new process starts from zero."""
        known_pid, known_beat, since = self._since.get(worker, (pid, beat, now))
        if (known_pid, known_beat) != (pid, beat):
            since = now
        self._since[worker] = (pid, beat, since)
        return now - since

    def is_stuck(self, worker: str, pid: int, beat: str, now: float, *, serves: bool = True) -> bool:
        """True when the process has been still longer than the patience with one that serves, or that starts."""
        patience_seconds = self.patience_seconds if serves else self.start_seconds
        return self.still_for_seconds(worker, pid, beat, now) > patience_seconds


@dataclass(slots=True)
class Watched:
    """A clock of the time in which somebody watched: what the watchdog itself slept through counts for nobody."""

    longest_step_seconds: float = 2 * LOOK_EVERY_SECONDS
    seconds: float = 0.0
    _last: float | None = None

    def at(self, now: float) -> float:
        """Watched seconds at a moment of a monotonic clock."""
        if self._last is not None:
            self.seconds += min(now - self._last, self.longest_step_seconds)
        self._last = now
        return self.seconds


def look(home: Home, supervisor: Supervisor, stillness: Stillness, now: float) -> None:
    """Looks once at every running worker and kills those that are stuck."""
    for process in supervisor.states().values():
        if process.name.partition("-")[0] not in WATCHED or process.state != "RUNNING":
            continue
        serves = has_served(home, process.name, process.pid)
        if stillness.is_stuck(process.name, process.pid, beat(home, process.name), now, serves=serves):
            still = "has not moved" if serves else "has not come to serve and not moved"
            seconds = stillness.patience_seconds if serves else stillness.start_seconds
            LOG.error(
                "%s (pid %d) %s for %.0f s: killed, the supervisor starts it again",
                *(process.name, process.pid, still, seconds),
            )
            os.kill(process.pid, signal.SIGKILL)


def beat(home: Home, worker: str) -> str:
    """The counter that the worker wrote last, "" when there is none."""
    try:
        return (home.run / f"{worker}.beat").read_text()
    except FileNotFoundError:
        return ""


def has_served(home: Home, worker: str, pid: int) -> bool:
    """Whether this process has been ready."""
    try:
        return (home.run / f"{worker}.ready").read_text().strip() == str(pid)
    except FileNotFoundError:
        return False


def main() -> None:
    """Looks until it is stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    home = Home.from_environment()
    supervisor, stillness, watched = Supervisor(home), Stillness(), Watched()
    while True:
        try:
            look(home, supervisor, stillness, watched.at(time.monotonic()))
        except (DeployError, ProcessLookupError) as trouble:
            LOG.warning("could not look: %s", trouble)
        time.sleep(LOOK_EVERY_SECONDS)


if __name__ == "__main__":
    main()
