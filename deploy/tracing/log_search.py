"""Looks for one event in the log itself: partitions and offsets in, the places of its copies out."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import polars as pl
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from deploy.errors import NotRunning, ServiceFailed
from producers.control.record import CONTROL, HEADER_KIND
from producers.envelopes.envelope import decode_envelope
from tokentally.envelope import HEADER_CONTENT_TYPE

ANSWER_SECONDS = 10.0
BATCH = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """The event that is looked for. event_id: None when only the sender's own key is known."""

    event_id: UUID | None
    source_id: str
    organization: str | None = None

    @property
    def rows(self) -> pl.Expr:
        """Which rows of a decoded envelope are it."""
        if self.event_id is not None:
            same = pl.col("event_id") == pl.lit(self.event_id.bytes)
        else:
            same = pl.col("source_id") == self.source_id
        return same if self.organization is None else same & (pl.col("organization") == self.organization)


@dataclass(frozen=True, slots=True)
class Copy:
    """One place of the event in the log; partition is Kafka's number."""

    partition: int
    offset: int
    index: int
    append_time: datetime
    organization: str
    event_id: UUID
    time: datetime


@dataclass(frozen=True, slots=True)
class LogRange:
    """Offsets of one partition, the second excluded."""

    first: int
    end: int

    @property
    def envelopes(self) -> int:
        """How many there are."""
        return max(0, self.end - self.first)

    def holds(self, offset: int) -> bool:
        """Whether it is one of them."""
        return self.first <= offset < self.end


class LogReader:
    """Reads the events topic without being a member of any group."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "tokentally.trace",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "log_level": 0,
            }
        )

    def close(self) -> None:
        """Ends the connection."""
        self._consumer.close()

    def ranges(self, partitions: int) -> dict[int, LogRange]:
        """What the log holds of each partition. Raises NotRunning when the broker does not answer."""
        try:
            return {
                number: LogRange(
                    *self._consumer.get_watermark_offsets(
                        TopicPartition(self._topic, number), timeout=ANSWER_SECONDS, cached=False
                    )
                )
                for number in range(partitions)
            }
        except KafkaException as failure:
            raise NotRunning(f"Kafka does not answer: {failure.args[0].str()}; see ./tally status") from failure

    def copies(
        self,
        wanted: Wanted,
        ranges: Mapping[int, LogRange],
        apart: Collection[tuple[int, int]] = (),
        on_read: Callable[[int], None] = lambda _: None,
    ) -> list[Copy]:
        """Every place of the event in these ranges. apart: (partition, offset) of poison, which is not decoded.

        on_read: told about envelopes read.
        """
        left = {number: part for number, part in ranges.items() if part.envelopes}
        if not left:
            return []
        self._consumer.assign([TopicPartition(self._topic, number, part.first) for number, part in left.items()])
        found: list[Copy] = []
        while left:
            messages = self._consumer.consume(BATCH, ANSWER_SECONDS)
            if not messages:
                raise ServiceFailed(f"Kafka has not answered for {ANSWER_SECONDS:.0f} s; see ./tally status")
            for message in messages:
                found += self._read(wanted, message, left, apart)
            on_read(len(messages))
        self._consumer.unassign()
        return sorted(found, key=lambda copy: (copy.partition, copy.offset, copy.index))

    def _read(
        self, wanted: Wanted, message: Message, left: dict[int, LogRange], apart: Collection[tuple[int, int]]
    ) -> list[Copy]:
        partition, offset = message.partition(), message.offset()
        failure = message.error()
        if failure is not None and failure.code() != KafkaError._PARTITION_EOF:
            raise ServiceFailed(f"partition {partition} cannot be read: {failure.str()}")
        if partition not in left or offset is None:
            return []
        assert partition is not None
        readable = offset < left[partition].end and (partition, offset) not in apart
        if failure is not None or offset >= left[partition].end - 1:
            del left[partition]
        return list(copies_in(wanted, message)) if readable and failure is None else []


def copies_in(wanted: Wanted, message: Message) -> Iterator[Copy]:
    """The places of the event in one envelope."""
    headers = dict(message.headers() or [])
    if headers.get(HEADER_KIND) == CONTROL:
        return
    content_type = headers.get(HEADER_CONTENT_TYPE)
    told = content_type.decode("ascii", "replace") if isinstance(content_type, bytes) else None
    decoded = decode_envelope(message.value() or b"", told)
    if decoded.frame.is_empty():
        return
    appended = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
    rows = decoded.frame.with_columns(pl.Series("index", decoded.index)).filter(wanted.rows)
    for row in rows.select("index", "organization", "event_id", "time").iter_rows(named=True):
        yield Copy(
            message.partition() or 0,
            message.offset() or 0,
            row["index"],
            appended,
            row["organization"],
            UUID(bytes=row["event_id"]),
            row["time"],
        )
