"""What a worker tells the outside about itself: state and lag in; heartbeat, metrics and the status file out."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from stream_jobs.worker.beat import Beat
from stream_jobs.worker.metrics import Metrics
from stream_jobs.worker.resume import LogInspector, Resume
from stream_jobs.worker.state import WorkerState

STILL_SECONDS = 10.0
UNASSIGNED_SECONDS = 300.0
OUTCOMES = ("seen", "accepted", "duplicates", "rejected", "misrouted")


@dataclass(slots=True)
class Pulse:
    """Moves the beat when there is nothing to do, and while something outside is being waited for (rule E28)."""

    beat: Beat
    metrics: Metrics
    _moved: tuple[int, float] = field(default_factory=lambda: (0, time.monotonic()))
    _assigned_at: float = field(default_factory=time.monotonic)

    def tell(self, state: WorkerState, resume: Resume, lag: Mapping[int, int], *, idle: bool) -> None:
        """Writes everything. lag: envelopes not applied by Kafka partition; idle: nothing waits to be written."""
        assigned = bool(lag) or bool(resume.refused)
        if assigned:
            self._assigned_at = time.monotonic()
        # Without partitions a worker is idle, unless that lasts: a rebalance may never have ended.
        unassigned_seconds = time.monotonic() - self._assigned_at
        if idle and not any(lag.values()) and unassigned_seconds < UNASSIGNED_SECONDS:
            self.beat.move()
        if assigned and resume.generation >= 0:
            self.beat.ready()
        self._measure(state, lag)
        self.beat.write({"partitions": sorted(lag), "lag_envelopes": sum(lag.values()), "refused": resume.refused})

    async def look_for_kafka(self, inspector: LogInspector) -> None:
        """When nothing has moved for a while: a broker that does not answer is being waited for, and that is alive."""
        if self.beat.count != self._moved[0]:
            self._moved = (self.beat.count, time.monotonic())
        elif time.monotonic() - self._moved[1] > STILL_SECONDS:
            self._moved = (self.beat.count, time.monotonic())
            if not await asyncio.to_thread(inspector.reachable):
                self.beat.move("kafka")

    def _measure(self, state: WorkerState, lag: Mapping[int, int]) -> None:
        for partition, envelopes in lag.items():
            self.metrics.lag.labels(str(partition)).set(envelopes)
        for outcome in OUTCOMES:
            total = sum(getattr(partition.counts, outcome) for partition in state.partitions.values())
            self.metrics.events.labels(outcome).set(total)
        self.metrics.rows_in_memory.set(state.rows_in_memory)
        self.metrics.pending_periods.set(len(state.pending))
