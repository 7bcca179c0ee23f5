"""A log for tests: envelopes with so many events each, read like Kafka's."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaException, TopicPartition

from stream_jobs.worker.resume import LogState
from tests.stream_jobs.audit.test_log_reader import Message
from tests.warehouse.recorded import Event


@dataclass
class FakeLog:
    """Kafka partition -> offset -> number of events. Inspector and source in one."""

    events: dict[int, Counter[int]]
    start: int = 0
    answers: bool = True
    read: list[tuple[int, int]] = field(default_factory=list)
    """(partition, offset) of all that was handed out."""
    _next: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, recorded: Sequence[Event], more: int = 2) -> "FakeLog":
        """The log that the recorded events came from; `more` further ones (copies, refused) in the first envelope."""
        log = cls({})
        for event in recorded:
            log.events.setdefault(event["src_partition"] % 1024, Counter())[event["src_offset"]] += 1
        for partition in log.events:
            log.events[partition][0] += more
        return log

    def state(self, partitions: list[int]) -> LogState:
        if not self.answers:
            raise KafkaException("no broker answers")
        return LogState(
            "", dict.fromkeys(partitions, self.start), {number: len(self.events[number]) for number in partitions}
        )

    def assign(self, places: list[TopicPartition]) -> None:
        self._next = {place.partition: place.offset for place in places}

    def incremental_unassign(self, places: list[TopicPartition]) -> None:
        for place in places:
            del self._next[place.partition]

    def consume(self, messages: int, _seconds: float) -> list[Message]:
        return list(self._messages(messages))

    def _messages(self, most: int) -> Iterator[Message]:
        for partition, offset in list(self._next.items()):
            for each in range(offset, min(offset + most, len(self.events[partition]))):
                self._next[partition] = each + 1
                self.read.append((partition, each))
                yield Message(partition, each, self.events[partition][each])
