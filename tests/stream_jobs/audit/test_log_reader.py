"""The log is read stretch by stretch, and every envelope counts as many events as a worker sees in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from producers.control.record import CONTROL, HEADER_KIND, HEADER_SIGNATURE
from stream_jobs.audit import log_reader
from stream_jobs.audit.log_reader import Stretch, numbers_of_events, read
from stream_jobs.errors import LogSilent
from stream_jobs.worker.poison.quarantine import WHOLE, Held, Quarantine
from tests.stream_jobs.rejects.test_consume import FINAL, RETRIABLE

GOOD = b'{"event_id":"%d","time":"2026-03-01T00:00:00Z","organization":"a","provider":"p","model":"m"}'
"""One line of NDJSON."""


@dataclass(frozen=True)
class Message:
    partition_: int = 0
    offset_: int = 0
    events: int = 1
    error_: KafkaError | None = None
    headers_: list[tuple[str, bytes]] | None = None
    value_: bytes | None = None

    def error(self) -> KafkaError | None:
        return self.error_

    def partition(self) -> int:
        return self.partition_

    def offset(self) -> int:
        return self.offset_

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self.headers_

    def value(self) -> bytes | None:
        return self.value_ if self.value_ is not None else b"\n".join(GOOD % number for number in range(self.events))


@dataclass
class Source:
    batches: Iterator[list[Message]]
    assigned: dict[int, int] = field(default_factory=dict)

    def assign(self, places: list[TopicPartition]) -> None:
        self.assigned = {place.partition: place.offset for place in places}

    def incremental_unassign(self, places: list[TopicPartition]) -> None:
        for place in places:
            del self.assigned[place.partition]

    def consume(self, _messages: int, _seconds: float) -> list[Message]:
        return next(self.batches, [])


def counted(stretches: dict[int, Stretch], *batches: list[Message]) -> dict[int, tuple[int, int]]:
    source = Source(iter(batches))
    places: dict[int, tuple[int, int]] = {}
    for reached in read(source, "usage.events", stretches, {}):
        places |= reached
    assert source.assigned == {}
    return places


def test_each_partition_ends_at_its_own_offset() -> None:
    first = [Message(0, 4, 2), Message(1, 0, 3), Message(0, 5, 1)]
    second = [Message(0, 6, 9), Message(1, 1, 1), Message(1, 2, 1)]
    assert counted({0: Stretch(4, 5), 1: Stretch(0, 2)}, first, second) == {0: (5, 3), 1: (2, 5)}


def test_nothing_new_reads_nothing() -> None:
    assert counted({0: Stretch(5, 4)}) == {}


def test_passing_errors_are_passed_over_and_others_end_the_count() -> None:
    assert counted({0: Stretch(0, 0)}, [Message(error_=RETRIABLE)], [], [Message()]) == {0: (0, 1)}
    with pytest.raises(KafkaException):
        counted({0: Stretch(0, 0)}, [Message(error_=FINAL)])


def test_a_silent_log_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reader, "SILENT_POLLS", 3)
    with pytest.raises(LogSilent, match=r"nothing came from partitions \[0\]"):
        counted({0: Stretch(0, 1)}, [Message(0, 0)])


@pytest.mark.parametrize(
    ("message", "events"),
    [
        (Message(events=20), 20),
        (Message(value_=b"{}\n" + GOOD % 1 + b"\nnonsense\n"), 3),
        (Message(value_=b""), 1),
        (Message(headers_=[("content-type", b"text/plain")]), 1),
    ],
)
def test_refused_events_and_envelopes_count_too(message: Message, events: int) -> None:
    assert numbers_of_events([message, Message()], {}) == [events, 1]


def test_what_is_in_quarantine_counts_and_is_not_decoded() -> None:
    apart = {1: Quarantine({4: {WHOLE: Held("killed")}}), 2: Quarantine({4: {7: Held("killed")}})}
    messages = [Message(partition, 4, events=20) for partition in (0, 1, 2)]
    assert numbers_of_events(messages, apart) == [20, 1, 20]


def test_control_records_are_no_events_whatever_stands_around_them() -> None:
    control = [(HEADER_KIND, CONTROL), (HEADER_SIGNATURE, b"any")]
    record = Message(1, 5, headers_=control, value_=b'{"kind": "void"}')
    apart = {1: Quarantine({4: {WHOLE: Held("killed")}, 6: {0: Held("killed")}})}
    messages = [Message(1, 3, events=7), Message(1, 4, events=20), record, Message(1, 6, events=20), Message(1, 7)]
    assert numbers_of_events(messages, apart) == [7, 1, 0, 20, 1]
    assert numbers_of_events([record], {}) == [0]
    assert counted({1: Stretch(3, 5)}, [Message(1, 3, events=2), Message(1, 4)], [record]) == {1: (5, 3)}
