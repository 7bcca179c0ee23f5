"""Waiting for services: ready within a deadline, or the end of their log."""

import time
from pathlib import Path

from deploy.errors import ServiceFailed
from deploy.local.home import Home
from deploy.local.services import Service
from deploy.local.supervision import ProcessState, Supervisor

POLL_SECONDS = 0.1
LOG_LINES = 20
STARTS_BEFORE_GIVING_UP = 3


def waits_for(service: Service, process: ProcessState) -> str:
    """What keeps the service from serving; "" when it serves."""
    if process.state == "RUNNING":
        return service.probe(process.pid)
    return f"its process, which is {process.state.lower()}"


def wait_until_ready(service: Service, supervisor: Supervisor, home: Home, *, deadline_seconds: float) -> None:
    """Returns when the service serves.

    Raises ServiceFailed with the end of its log when it does not in time, or when it keeps exiting.
    """
    deadline = time.monotonic() + deadline_seconds
    seen: set[int] = set()
    while True:
        process = supervisor.states()[service.name]
        reason = waits_for(service, process)
        if not reason:
            return
        seen |= {process.pid} - {0}
        if len(seen) > STARTS_BEFORE_GIVING_UP or process.state == "FATAL":
            raise ServiceFailed(f"{service.name} exits again and again; {end_of_log(home, service.name)}")
        if time.monotonic() > deadline:
            raise ServiceFailed(
                f"{service.name} is not ready after {deadline_seconds:.0f} s, it waits for {reason}; "
                + end_of_log(home, service.name)
            )
        time.sleep(POLL_SECONDS)


def end_of_log(home: Home, name: str) -> str:
    """The last lines of a log, introduced by where the rest is."""
    path = home.logs / f"{name}.log"
    return f"the end of {path}:\n" + "\n".join(f"  {line}" for line in last_lines(path, LOG_LINES))


def last_lines(path: Path, count: int) -> list[str]:
    """Up to `count` last lines of a text file; none when there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 200 * 1024))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []
