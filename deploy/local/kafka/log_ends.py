"""Where the events topic ends: a broker and a topic in, the end of each partition out."""

from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from deploy.errors import NotRunning
from deploy.local.kafka import topics

ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The offset of the next record, and when the newest one came (None: the partition is empty)."""

    next_offset: int
    newest: datetime | None


def log_ends(bootstrap: str, topic: str, partitions: int) -> dict[int, LogEnd]:
    """The end of every partition. Raises NotRunning when the broker does not answer."""
    client = topics.client(bootstrap)
    where = [TopicPartition(topic, number) for number in range(partitions)]
    specs = (OffsetSpec.latest(), OffsetSpec.max_timestamp())  # type: ignore[no-untyped-call]
    asked = [client.list_offsets(dict.fromkeys(where, spec), request_timeout=ANSWER_SECONDS) for spec in specs]
    try:
        ends, newest = (
            {place.partition: future.result(ANSWER_SECONDS) for place, future in answer.items()} for answer in asked
        )
    except (KafkaException, TimeoutError) as failure:
        raise NotRunning(f"Kafka at {bootstrap} does not answer; see ./tally status") from failure
    return {number: LogEnd(end.offset, _instant(newest[number].timestamp)) for number, end in ends.items()}


def _instant(timestamp_ms: int) -> datetime | None:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC) if timestamp_ms >= 0 else None
