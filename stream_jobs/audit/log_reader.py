"""Reads a stretch of each partition of the log, apart from the workers: offsets in, numbers of events out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from producers.control.record import CONTROL, HEADER_KIND
from producers.envelopes.envelope import Opened, checked
from stream_jobs.errors import LogSilent
from stream_jobs.worker.poison.quarantine import Quarantine

BATCH_MESSAGES = 64
WAIT_SECONDS = 1.0
SILENT_POLLS = 30
QUEUE_KILOBYTES = 16_384
"""What the client may hold in advance: bounds the memory."""
NOTHING_APART = Quarantine()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Offsets of one Kafka partition, both ends included."""

    first: int
    last: int


def consumer(bootstrap: str) -> Consumer:
    """A consumer that belongs to no group: it is told what to read and commits nothing."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "tokentally.audit",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "queued.max.messages.kbytes": QUEUE_KILOBYTES,
            "log_level": 0,
        }
    )


def read(
    source: Any, topic: str, stretches: Mapping[int, Stretch], apart: Mapping[int, Quarantine]
) -> Iterator[dict[int, tuple[int, int]]]:
    """After each batch, per Kafka partition the offset that was reached and the events counted since `first`.

    apart: what must not be decoded, because it once ended a process. Raises KafkaException, and LogSilent when a
    partition does not come to its end.
    """
    left = {partition: each for partition, each in stretches.items() if each.first <= each.last}
    events = dict.fromkeys(left, 0)
    source.assign([TopicPartition(topic, partition, each.first) for partition, each in left.items()])
    silent = 0
    while left:
        wanted = [message for message in _messages(source) if message.partition() in left]
        wanted = [message for message in wanted if message.offset() <= left[message.partition()].last]
        reached: dict[int, tuple[int, int]] = {}
        for message, number in zip(wanted, numbers_of_events(wanted, apart), strict=True):
            partition, offset = message.partition(), message.offset()
            events[partition] += number
            reached[partition] = (offset, events[partition])
            if offset == left[partition].last:
                del left[partition]
                source.incremental_unassign([TopicPartition(topic, partition)])
        silent = 0 if reached else silent + 1
        if silent > SILENT_POLLS:
            raise LogSilent(f"nothing came from partitions {sorted(left)} of {topic} for {SILENT_POLLS} s")
        yield reached


def _messages(source: Any) -> list[Any]:
    """The next messages. Raises KafkaException for anything but a passing error."""
    found = []
    for message in source.consume(BATCH_MESSAGES, WAIT_SECONDS):
        problem = message.error()
        if problem is None:
            found.append(message)
        elif not (problem.retriable() or problem.code() < 0):
            raise KafkaException(problem)
    return found


def numbers_of_events(messages: Sequence[Any], apart: Mapping[int, Quarantine]) -> list[int]:
    """Events of each envelope as workers see them: valid and refused ones; one when it is refused as a whole.

    Control records are no events.
    """
    usage = [message for message in messages if not _is_control(message)]
    opened = [_opened(message, apart.get(message.partition(), NOTHING_APART)) for message in usage]
    events = iter(checked(opened).events)
    return [0 if _is_control(message) else next(events) for message in messages]


def _is_control(message: Any) -> bool:
    return dict(message.headers() or ()).get(HEADER_KIND) == CONTROL


def _opened(message: Any, apart: Quarantine) -> Opened:
    content_type = dict(message.headers() or ()).get("content-type")
    told = content_type.decode("ascii", "replace") if content_type is not None else None
    return apart.opened(message.offset(), message.value() or b"", told)
