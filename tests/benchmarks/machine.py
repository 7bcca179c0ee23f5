"""What a benchmark needs to know of the machine: CPU seconds of a process, what others used, what was stolen."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import psutil

TICKS_PER_SECOND = 100


def stolen_seconds() -> float:
    """CPU seconds that the hypervisor gave to others since the machine started, over all cores."""
    return _seconds()[7]


def busy_seconds() -> float:
    """CPU seconds that all processes used since the machine started, over all cores."""
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts = _seconds()[:7]
    return user + nice + system + interrupts + soft_interrupts


def _seconds() -> list[float]:
    first = Path("/proc/stat").read_text().splitlines()[0].split()
    return [int(ticks) / TICKS_PER_SECOND for ticks in first[1:]]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


@dataclass(slots=True)
class Meter:
    """Measures named processes from its making on."""

    pids: dict[str, int]
    _started: float = field(init=False)
    _cpu: dict[str, float] = field(init=False)
    _stolen: float = field(init=False)
    _busy: float = field(init=False)
    _own: float = field(init=False)

    def __post_init__(self) -> None:
        self._started, self._stolen = monotonic(), stolen_seconds()
        self._busy, self._own = busy_seconds(), cpu_seconds(os.getpid())
        self._cpu = {name: cpu_seconds(pid) for name, pid in self.pids.items()}

    @property
    def seconds(self) -> float:
        """Since the start."""
        return monotonic() - self._started

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each process since the start."""
        return {name: cpu_seconds(pid) - self._cpu[name] for name, pid in self.pids.items()}

    def memory_mb(self) -> dict[str, int]:
        """Resident memory of each process now."""
        return {name: psutil.Process(pid).memory_info().rss >> 20 for name, pid in self.pids.items()}

    def others_cores(self) -> float:
        """Cores that processes used since the start which are neither measured nor this one."""
        used = busy_seconds() - self._busy - sum(self.cpu().values()) - (cpu_seconds(os.getpid()) - self._own)
        return max(0.0, used / self.seconds)

    def stolen_share(self) -> float:
        """Share of the machine's CPU time that was stolen since the start."""
        return (stolen_seconds() - self._stolen) / (self.seconds * (psutil.cpu_count() or 1))
