"""The log as it is: what a plain consumer reads back, record by record, each with the events it stands for."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import polars as pl
import zstandard
from confluent_kafka import Consumer, TopicPartition

from tests.chaos.event import Event, Identity, Posted

NUMBER_HEADER = "chaos-envelope"
POLL_SECONDS = 1.0
PATIENCE_POLLS = 60


@dataclass(frozen=True, slots=True)
class Control:
    """A record that says it is a control record: its bytes, and the signature in its header."""

    value: bytes
    signature: bytes | None


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its place, append time (Unix ms), events by position and how many refusals reading it gives; or a
    control record, which has neither."""

    partition: int
    offset: int
    append_ms: int
    events: Sequence[tuple[int, Event]] = ()
    refused: int = 0
    control: Control | None = None


class LogReader:
    """Reads on from where it stopped. Records without a number are those that workers forwarded."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self._topic = topic
        self._next = dict.fromkeys(range(partitions), 0)
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "chaos-truth", "enable.auto.commit": False, "log_level": 0}
        )

    def close(self) -> None:
        """Leaves the broker."""
        self._consumer.close()

    def ends(self) -> dict[int, int]:
        """Offset of the next record of each partition."""
        return {
            number: self._consumer.get_watermark_offsets(TopicPartition(self._topic, number), timeout=20)[1]
            for number in self._next
        }

    def records(self, posted: Mapping[int, Posted], known: Mapping[Identity, Event]) -> Iterator[Record]:
        """What was written since the last call. posted: envelopes by number; known: every event that was sent."""
        ends = self.ends()
        for number, end in ends.items():
            self._consumer.assign([TopicPartition(self._topic, number, self._next[number])])
            polls = 0
            while self._next[number] < end:
                message = self._consumer.poll(POLL_SECONDS)
                if message is None or message.error():
                    polls += 1
                    if polls > PATIENCE_POLLS:
                        raise TimeoutError(f"partition {number} gives nothing from {self._next[number]} to {end}")
                    continue
                offset, headers = message.offset(), dict(message.headers() or [])
                assert offset == self._next[number], (offset, self._next)
                self._next[number] = offset + 1
                append_ms = message.timestamp()[1]
                if headers.get("kind") == b"control":
                    signed = headers.get("signature")
                    signed = signed.encode() if isinstance(signed, str) else signed
                    yield Record(number, offset, append_ms, control=Control(message.value() or b"", signed))
                elif sent_as := headers.get(NUMBER_HEADER):
                    envelope = posted[int(sent_as)]
                    yield Record(number, offset, append_ms, envelope.readable, envelope.refused)
                else:
                    yield Record(number, offset, append_ms, forwarded(message.value() or b"", known), 0)


def forwarded(value: bytes, known: Mapping[Identity, Event]) -> list[tuple[int, Event]]:
    """The events of an envelope that a worker sent on."""
    plain = zstandard.decompress(value) if value[:4] == b"\x28\xb5\x2f\xfd" else value
    frame = pl.read_ipc_stream(io.BytesIO(plain))
    rows = frame.select("organization", "event_id", pl.col("time").dt.epoch("ms")).iter_rows()
    return [(index, known[(name, str(UUID(bytes=key)), time)]) for index, (name, key, time) in enumerate(rows)]
