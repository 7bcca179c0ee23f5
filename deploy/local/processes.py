"""Processes of an installation, found by the home written in their environment."""

import psutil

from deploy.local.home import Home

PATIENCE_SECONDS = 10.0


def of_home(home: Home) -> list[psutil.Process]:
    """Every process that a supervisor of this home started, and the supervisor: with or without one alive.

    A person's own commands carry TALLY_HOME too, but not TALLY_SERVICE.
    """
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        if environment.get("TALLY_SERVICE") and environment.get("TALLY_HOME") == str(home.folder):
            found.append(process)
    return found


def memory_bytes(pid: int) -> int:
    """Resident memory of a process and its children; 0 when it is gone."""
    try:
        parent = psutil.Process(pid)
        return sum(process.memory_info().rss for process in (parent, *parent.children(recursive=True)))
    except (psutil.Error, ValueError):
        return 0


def end(processes: list[psutil.Process]) -> None:
    """Ends processes: asked first, killed when they do not listen."""
    for process in processes:
        _quietly(process.terminate)
    _, deaf = psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)
    for process in deaf:
        _quietly(process.kill)
    psutil.wait_procs(deaf, timeout=PATIENCE_SECONDS)


def _quietly(action: object) -> None:
    assert callable(action)
    try:
        action()
    except psutil.NoSuchProcess:
        return
