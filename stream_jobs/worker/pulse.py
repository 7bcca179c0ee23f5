"""What a worker tells the outside about itself: state and lag in; heartbeat, metrics and the status file out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stream_jobs.worker.beat import Beat
from stream_jobs.worker.liveness import GROUP, KAFKA, Answers, Work, judged
from stream_jobs.worker.metrics import Metrics
from stream_jobs.worker.outlook import Outlook
from stream_jobs.worker.resume import Resume
from stream_jobs.worker.state import OUTCOMES, WorkerState


@dataclass(slots=True)
class Pulse:
    """Moves the beat when there is nothing to do, and while something outside is being waited for (rule E28)."""

    beat: Beat
    metrics: Metrics
    outlook: Outlook
    jobs: Mapping[str, int] = field(default_factory=dict)
    """How many jobs are open, and how many of their slices are left."""
    _heard: Answers = field(default_factory=Answers)
    _generation: int = -1
    _told: frozenset[int] = frozenset()

    def tell(
        self, state: WorkerState, resume: Resume, lag: Mapping[int, int], *, rests: bool, statement_seconds: float
    ) -> None:
        """Writes everything. lag: envelopes not applied by Kafka partition; rests: nothing waits to be written."""
        answers, outlook = self.outlook.answers, self.outlook
        outlook.wanted = frozenset(lag)
        verdict = judged(Work(lag, len(resume.refused), rests, statement_seconds), answers)
        outlook.ask_warehouse = statement_seconds > 0
        if verdict.waits and answers is not self._heard:
            for what in verdict.waits:
                self.beat.wait(what, answers.why if what == KAFKA else "")
        elif verdict.alive and not verdict.waits:
            self.beat.move()
        self._heard = answers
        for what in {KAFKA, GROUP}.difference(verdict.waits):
            self.beat.waits.end(what)
        if verdict.serves and (verdict.standby or resume.generation >= 0):
            self.beat.ready()
        self._measure(state, resume, lag)
        self.beat.write(
            {
                "partitions": sorted(lag),
                "lag_envelopes": sum(lag.values()),
                "refused": resume.refused,
                "standby": verdict.standby,
                "jobs": dict(self.jobs),
            }
        )

    def _measure(self, state: WorkerState, resume: Resume, lag: Mapping[int, int]) -> None:
        metrics = self.metrics
        self._lag(state, resume, lag)
        for outcome, events in zip(OUTCOMES, state.totals, strict=True):
            metrics.log_events.labels(outcome).set(events)
        metrics.rows_in_memory.set(state.rows_in_memory)
        metrics.loaded_buckets.set(len(state.pairs))
        metrics.window_ids.set(sum(len(partition.window) for partition in state.partitions.values()))
        metrics.pending_periods.set(len(state.pending))
        metrics.stuck_periods.set(len(state.stuck))
        metrics.refused_partitions.set(len(resume.refused))
        if resume.generation not in (-1, self._generation):
            self._generation = resume.generation
            metrics.rebalances.inc()
            metrics.generation.set(resume.generation)
        self._waits()

    def _lag(self, state: WorkerState, resume: Resume, lag: Mapping[int, int]) -> None:
        for gone in self._told - lag.keys():
            self.metrics.lag.remove(str(gone))
            self.metrics.lag_seconds.remove(str(gone))
        self._told = frozenset(lag)
        applied_ms = {number: partition.applied_clock_ms for number, partition in state.partitions.items()}
        for partition, envelopes in lag.items():
            self.metrics.lag.labels(str(partition)).set(envelopes)
            end, number = self.outlook.ends.get(partition), self.outlook.settings.src_partition(partition)
            stored = resume.progress.get(partition)
            applied = applied_ms.get(number, stored.applied_ms if stored else 0)
            behind_ms = max(0, end.newest_ms - applied) if end and envelopes and applied else 0
            self.metrics.lag_seconds.labels(str(partition)).set(behind_ms / 1000)

    def _waits(self) -> None:
        waits = self.beat.waits
        seconds = waits.seconds
        self.metrics.waiting_reason.clear()
        for what, why in waits.reasons.items():
            self.metrics.waiting_reason.labels(what, why).set(1)
        for what, retries in list(waits.retries.items()):
            self.metrics.waiting.labels(what).set(seconds.get(what, 0.0))
            self.metrics.retries.labels(what).set(retries)
            self.metrics.waited.labels(what).set(waits.ended_seconds.get(what, 0.0) + seconds.get(what, 0.0))
