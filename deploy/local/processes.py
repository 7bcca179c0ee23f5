"""Processes of an installation, found by the home written in their environment."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil

from deploy.local.home import Home

PATIENCE_SECONDS = 10.0


def of_home(home: Home) -> list[psutil.Process]:
    """Every process that a supervisor of this home started, and the supervisor: with or without one alive."""
    return [process for process, folder in _services() if folder == home.folder]


def under(folder: Path) -> list[psutil.Process]:
    """Every process of every home under a folder."""
    return [process for process, home in _services() if home.is_relative_to(folder)]


def _services() -> Iterator[tuple[psutil.Process, Path]]:
    """Processes with their home. A person's own commands carry TALLY_HOME too, but not TALLY_SERVICE."""
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        if environment.get("TALLY_SERVICE") and "TALLY_HOME" in environment:
            yield process, Path(environment["TALLY_HOME"])


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
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, deaf = psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)
    for process in deaf:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(deaf, timeout=PATIENCE_SECONDS)
