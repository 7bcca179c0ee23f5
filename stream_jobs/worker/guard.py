"""Watches that warehouse and log are still those this worker knows; whatever changed under it ends the process.

The next process finds out where to resume, or refuses a partition with its cure (rule E8).
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from confluent_kafka import KafkaError, KafkaException
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from stream_jobs.errors import LogReplaced, RefusalLifted, StreamJobError, WarehouseSetBack
from stream_jobs.worker import statements
from stream_jobs.worker.beat import Beat
from stream_jobs.worker.liveness import KAFKA
from stream_jobs.worker.loading import load_progress
from stream_jobs.worker.partition import Partition, Progress, refusal
from stream_jobs.worker.resume import LogInspector, Resume, resume_positions
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import WorkerState
from warehouse.log_partitions import PARTITIONS_PER_GENERATION

log = structlog.get_logger()
LOOK_SECONDS = 5.0
Leave = Callable[[str, BaseException], None]


def check_not_set_back(sink: Sink, topic: str, partitions: Mapping[int, Partition]) -> None:
    """Raises WarehouseSetBack when less is stored than this worker knows to have been stored."""
    ours = {number: partition.proven for number, partition in list(partitions.items())}
    if not ours:
        return
    stored = load_progress(sink, topic, list(ours))
    for number, applied in ours.items():
        have = stored[number].applied_offset
        if have < applied:
            raise WarehouseSetBack(
                f"partition {number}: {have} is stored but {applied} was written: the warehouse was set back to an "
                "older state; this worker leaves and its successor counts everything behind the stored progress again"
            )


def check_stored(sink: Sink, accepted: Mapping[int, int], spans: Mapping[int, tuple[int, int]]) -> None:
    """Raises WarehouseSetBack when events are missing that were inserted before their progress.

    An older state may have the very progress that this worker has: then only what was inserted since tells.
    accepted: events by partition. spans: (applied offset, the one that is about to be) by partition.
    """
    if not accepted:
        return
    stored = dict(sink.rows(statements.stored_events({number: spans[number] for number in accepted})))
    for number, count in accepted.items():
        have = stored.get(number, 0)
        if have < count:
            raise WarehouseSetBack(
                f"partition {number}: {have} of {count} events are stored behind offset {spans[number][0]}: since they "
                "were inserted the warehouse was set back to an older state; this worker leaves and its successor "
                "counts them again"
            )


def kafka_words(failure: BaseException | None) -> str:
    """What Kafka said, in a few words."""
    error = failure.args[0] if failure is not None and failure.args else failure
    if isinstance(error, KafkaError):
        if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return "the topic does not exist; `./tally up` creates it"
        return error.str()[:200]
    return str(error)[:200]


@dataclass(slots=True)
class Guard:
    """Asks in the background every few seconds, before each flush, and after each outage of the warehouse."""

    settings: WorkerSettings
    sink: Sink
    onlooker: Sink
    """For the looks in the background, which must not keep a worker alive that hangs (rule E28)."""
    inspector: LogInspector
    beat: Beat
    leave: Leave
    _next: float = 0.0
    _looking: asyncio.Task[None] | None = field(default=None, init=False)

    def look(self, state: WorkerState, resume: Resume) -> None:
        """Begins to look in the background when it is time; the tick goes on."""
        idle = self._looking is None or self._looking.done()
        if idle and time.monotonic() >= self._next and resume.generation == state.generation:
            self._next = time.monotonic() + LOOK_SECONDS
            self._looking = asyncio.create_task(asyncio.to_thread(self._look, state, resume))

    def warehouse_is_ours(self, state: WorkerState) -> None:
        """Raises WarehouseSetBack."""
        check_not_set_back(self.sink, self.settings.events_topic, state.partitions)

    def log_is_ours(self, state: WorkerState) -> None:
        """Raises LogReplaced when the topic has another id than the one that this state was begun with.

        Records that were fetched from another log are then never part of progress. Waits for an absent broker.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(KafkaException),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            before_sleep=self._tell,
            reraise=True,
        )
        found = retrying(self.inspector.topic_id)
        self.beat.waits.end(KAFKA)
        if found != state.topic_id:
            raise LogReplaced(f"the topic has the id {found}, not {state.topic_id}: it was recreated")

    def _tell(self, attempt: RetryCallState) -> None:
        failure = attempt.outcome.exception() if attempt.outcome else None
        self.beat.wait(KAFKA, kafka_words(failure))
        log.warning("waiting for kafka", attempt=attempt.attempt_number, reason=kafka_words(failure))

    def _look(self, state: WorkerState, resume: Resume) -> None:
        try:
            check_not_set_back(self.onlooker, self.settings.events_topic, state.partitions)
            self._log_continues(state)
            self._still_refused(resume)
        except KafkaException as failure:
            log.warning("could not look at the log", reason=kafka_words(failure))
        except StreamJobError as change:
            self.leave("the ground has changed", change)

    def _log_continues(self, state: WorkerState) -> None:
        known = {
            number % PARTITIONS_PER_GENERATION: Progress(applied_offset=partition.applied, topic_id=state.topic_id)
            for number, partition in list(state.partitions.items())
            if number >= self.settings.src_partition(0)
        }
        if not known:
            return
        found = self.inspector.state(sorted(known))
        for partition, progress in known.items():
            reason = refusal(progress, found.topic_id, 0, found.end[partition])
            if reason is not None:
                raise LogReplaced(f"partition {partition}: {reason}")

    def _still_refused(self, resume: Resume) -> None:
        if not resume.refused:
            return
        asked = sorted(resume.refused)
        now = resume_positions(self.settings, self.onlooker, self.inspector, resume.generation, asked)
        lifted = [partition for partition in asked if partition not in now.refused]
        if lifted:
            raise RefusalLifted(f"partitions {lifted} can be taken up again: this worker starts anew to read them")
