"""What a span of time showed: ordinary traffic, CPU of worker and warehouse, the most memory the worker had."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

from deploy.local.installation import Installation
from tests.benchmarks.jobs.traffic import Traffic
from tests.benchmarks.machine import Meter
from tests.benchmarks.scene import pid_of

SERVICES = ("worker-0", "warehouse")
LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Window:
    """rate: events of ordinary traffic per second; waits: of its envelopes until they count. cpu_seconds: by name."""

    seconds: float
    rate: float
    wait_p50_seconds: float
    longest_wait_seconds: float
    cpu_seconds: Mapping[str, float]
    worker_mb: int
    stolen: float
    others_cores: float

    def cpu_beside(self, alone: "Window") -> dict[str, float]:
        """CPU seconds that its traffic does not explain: at so much per event as `alone` had.

        Without traffic: at so much per second.
        """
        share = self.seconds / alone.seconds * (self.rate / alone.rate if alone.rate else 1.0)
        return {name: used - share * alone.cpu_seconds[name] for name, used in self.cpu_seconds.items()}


@dataclass(slots=True)
class Watch:
    """Measures from its making to `ended`."""

    installation: Installation
    traffic: Traffic | None
    _began: float = field(init=False)
    _meter: Meter = field(init=False)
    _most_bytes: int = 0
    _longest: float = 0.0
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._began = time.time()
        self._meter = Meter({name: pid_of(self.installation, name) for name in SERVICES})
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        worker = psutil.Process(self._meter.pids["worker-0"])
        while True:
            self._most_bytes = max(self._most_bytes, worker.memory_info().rss)
            if self.traffic is not None:
                self._longest = max(self._longest, self.traffic.oldest_waiting())
            if self._stopped.wait(LOOK_SECONDS):
                return

    def ended(self) -> Window:
        """Everything since its making."""
        seconds, cpu, until = self._meter.seconds, self._meter.cpu(), time.time()
        stolen, others = self._meter.stolen_share(), self._meter.others_cores()
        self._stopped.set()
        self._thread.join()
        looks = self.traffic.between(self._began, until) if self.traffic else []
        waits = sorted(wait for look in looks for wait in look.waits)
        return Window(
            seconds=seconds,
            rate=self.traffic.rate_between(self._began, until) if self.traffic else 0.0,
            wait_p50_seconds=waits[len(waits) // 2] if waits else 0.0,
            longest_wait_seconds=max([self._longest, *waits[-1:]]),
            cpu_seconds=cpu,
            worker_mb=self._most_bytes >> 20,
            stolen=stolen,
            others_cores=others,
        )
