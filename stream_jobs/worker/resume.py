"""Where to resume (rule E8): the warehouse's progress and the log's own state in, seek positions and refusals out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import OffsetSpec

from stream_jobs.erasure.refusals import Bounds
from stream_jobs.worker import former, statements
from stream_jobs.worker.asking_client import asking_client
from stream_jobs.worker.loading import load_progress
from stream_jobs.worker.log_age import kept_for
from stream_jobs.worker.partition import Progress, refusal
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink

log = structlog.get_logger()
ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class LogState:
    """The topic's id, and the first offset and the next one to be written of each Kafka partition."""

    topic_id: str
    start: dict[int, int]
    end: dict[int, int]


@dataclass(slots=True)
class Resume:
    """Positions for one group generation, by Kafka partition."""

    generation: int = -1
    topic_id: str = ""
    progress: dict[int, Progress] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)


class LogInspector:
    """Asks the broker by a client of its own: the consumer's connection is busy with its long poll."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._topic = settings.events_topic
        self._topics = (settings.events_topic, settings.rejected_topic)
        self._admin = asking_client(settings.kafka_bootstrap)

    def topic_id(self) -> str:
        """Kafka's id of the topic as it is now. Raises KafkaException."""
        with _late_is_told():
            described = self._admin.describe_topics(TopicCollection([self._topic]))[self._topic]
            return str(described.result(ANSWER_SECONDS).topic_id)

    def kept_for(self) -> timedelta | None:
        """How long after its arrival Kafka has an event or a refusal at most; None: it does not tell."""
        return kept_for(self._admin, self._topics)

    def refusals(self) -> dict[int, Bounds]:
        """The topic of refusals as it is now, by partition. Raises KafkaException when the broker does not answer."""
        topic = self._topics[1]
        described = self._admin.describe_topics(TopicCollection([topic]))[topic]
        with _late_is_told():
            where = [TopicPartition(topic, each.id) for each in described.result(ANSWER_SECONDS).partitions]
            starts = self._admin.list_offsets({place: OffsetSpec.earliest() for place in where})  # type: ignore[no-untyped-call]
            ends = self._admin.list_offsets({place: OffsetSpec.latest() for place in where})  # type: ignore[no-untyped-call]
            first = {place.partition: future.result(ANSWER_SECONDS).offset for place, future in starts.items()}
            return {
                place.partition: Bounds(first[place.partition], future.result(ANSWER_SECONDS).offset)
                for place, future in ends.items()
            }

    def state(self, partitions: list[int]) -> LogState:
        """The log as it is now. Raises KafkaException when the broker does not answer."""
        described = self._admin.describe_topics(TopicCollection([self._topic]))[self._topic]
        where = [TopicPartition(self._topic, number) for number in partitions]
        starts = self._admin.list_offsets({place: OffsetSpec.earliest() for place in where})  # type: ignore[no-untyped-call]
        ends = self._admin.list_offsets({place: OffsetSpec.latest() for place in where})  # type: ignore[no-untyped-call]
        with _late_is_told():
            return LogState(
                str(described.result(ANSWER_SECONDS).topic_id),
                {place.partition: future.result(ANSWER_SECONDS).offset for place, future in starts.items()},
                {place.partition: future.result(ANSWER_SECONDS).offset for place, future in ends.items()},
            )


@contextmanager
def _late_is_told() -> Iterator[None]:
    try:
        yield
    except TimeoutError as late:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from late


def _begun(partition: int, stored: Progress, log_start: int) -> Progress:
    """Progress, or for a partition without any the place before the oldest record that the log still has."""
    if stored.topic_id or log_start == 0:
        return stored
    log.warning(
        "a log is begun after its start: what retention removed is not counted", partition=partition, offset=log_start
    )
    return Progress(applied_offset=log_start - 1)


def resume_positions(
    settings: WorkerSettings, sink: Sink, inspector: LogInspector, generation: int, partitions: list[int]
) -> Resume:
    """Progress of every partition and why some must not be resumed. Blocking."""
    numbers = {partition: settings.src_partition(partition) for partition in partitions}
    stored = load_progress(sink, settings.events_topic, list(numbers.values()))
    state = inspector.state(partitions)
    foreign = dict(sink.rows(statements.foreign_topics(settings.events_topic, list(numbers.values()))))
    begun = [number for number, known in stored.items() if not known.topic_id]
    headless = dict(sink.rows(statements.last_stored_offsets(begun))) if begun else {}
    progress = {
        partition: _begun(partition, stored[number], state.start[partition]) for partition, number in numbers.items()
    }
    refused = {
        partition: reason
        for partition, known in progress.items()
        if (
            reason := refusal(known, state.topic_id, state.start[partition], state.end[partition])
            or former.refusal(foreign.get(numbers[partition]), headless.get(numbers[partition]), state.start[partition])
        )
    }
    return Resume(generation, state.topic_id, progress, refused)
