"""The job of the refusals stores first and commits then; what failed is consumed again."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from producers.rejections.rejection import Rejection
from stream_jobs.rejects.__main__ import consume
from stream_jobs.worker.beat import Beat
from tests.stream_jobs.worker.fake_sink import FakeSink
from tests.stream_jobs.worker.fake_warehouse import FakeWarehouse

RETRIABLE = KafkaError(KafkaError.LEADER_NOT_AVAILABLE, "elect one", retriable=True)
OWN = KafkaError(KafkaError._ALL_BROKERS_DOWN)
FINAL = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)


@dataclass(frozen=True)
class FakeMessage:
    """A message, or an error that came in its place."""

    offset_: int = 0
    partition_: int = 0
    value_: bytes | None = b""
    error_: KafkaError | None = None

    def error(self) -> KafkaError | None:
        return self.error_

    def topic(self) -> str:
        return "usage.rejected"

    def partition(self) -> int:
        return self.partition_

    def offset(self) -> int:
        return self.offset_

    def value(self) -> bytes | None:
        return self.value_

    def timestamp(self) -> tuple[int, int]:
        return (2, 1_000 + self.offset_)


@dataclass
class FakeConsumer:
    """Hands out batches, and ends the loop after the last one."""

    batches: list[list[FakeMessage]]
    running: list[bool] = field(default_factory=lambda: [True])
    story: list[Any] = field(default_factory=list)

    def consume(self, _records: int, _seconds: float) -> list[FakeMessage]:
        batch = self.batches.pop(0)
        if not self.batches:
            self.running.clear()
        return batch

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        self.story.append({place.partition: place.offset for place in offsets})


@dataclass
class Stored(FakeSink):
    """Tells when rows are stored."""

    story: list[Any]
    fails: bool = False

    def __post_init__(self) -> None:
        super().__init__(FakeWarehouse())

    def insert(self, table: str, frame: pl.DataFrame) -> None:
        if self.fails:
            raise ConnectionError
        self.story.append((table, frame["rejection_id"].to_list()))


def consumed(folder: Path, *batches: list[FakeMessage]) -> list[Any]:
    consumer = FakeConsumer(list(batches))
    consume(consumer, Stored(consumer.story), Beat(folder, "rejects"), consumer.running)
    return consumer.story


def known(offset: int, partition: int = 0) -> FakeMessage:
    record = Rejection.of_worker(3, offset, 1, 0, "bad", b"{}")
    return FakeMessage(offset, partition, record.encoded())


def test_batches_are_stored_before_their_offsets_are_committed(tmp_path: Path) -> None:
    batches = ([known(4), known(9, partition=1), known(5)], [FakeMessage(6, value_=None)])
    assert consumed(tmp_path, *batches) == [
        ("rejected", ["3-4-0", "3-9-0", "3-5-0"]),
        {0: 6, 1: 10},
        ("rejected", ["usage.rejected-0-6"]),
        {0: 7},
    ]


def test_what_was_not_stored_is_not_committed(tmp_path: Path) -> None:
    consumer = FakeConsumer([[known(1)], []])
    with pytest.raises(ConnectionError):
        consume(consumer, Stored(consumer.story, fails=True), Beat(tmp_path, "rejects"), consumer.running)
    assert consumer.story == []


@pytest.mark.parametrize("error", [RETRIABLE, OWN])
def test_passing_errors_are_waited_for(tmp_path: Path, error: KafkaError) -> None:
    assert consumed(tmp_path, [FakeMessage(error_=error), known(2)], []) == [("rejected", ["3-2-0"]), {0: 3}]


def test_other_errors_end_the_job(tmp_path: Path) -> None:
    with pytest.raises(KafkaException):
        consumed(tmp_path, [FakeMessage(error_=FINAL)], [])


def test_silence_is_alive(tmp_path: Path) -> None:
    assert consumed(tmp_path, [], [], []) == []
    assert (tmp_path / "rejects.beat").read_text() == "3\n"
    assert (tmp_path / "rejects.ready").exists()
