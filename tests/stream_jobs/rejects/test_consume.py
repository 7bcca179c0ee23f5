"""The job of the refusals stores first and commits then; what failed is consumed again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from producers.rejections.rejection import Rejection
from stream_jobs.errors import WarehouseSetBack
from stream_jobs.rejects.__main__ import consume
from stream_jobs.rejects.places import Places
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
    places: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(FakeWarehouse())

    def insert(self, table: str, frame: pl.DataFrame, check: Callable[[], None] = lambda: None) -> None:
        if self.fails:
            raise ConnectionError
        if table == "rejected":
            self.story.append((table, frame["rejection_id"].to_list()))
        else:
            self.places |= dict(frame.select("partition", "next_offset").iter_rows())
            self.story.append((table, dict(self.places)))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        assert "FROM rejected_progress FINAL WHERE topic = 'usage.rejected'" in sql
        return list(self.places.items())


def consumed(folder: Path, *batches: list[FakeMessage], sink: Stored | None = None) -> list[Any]:
    consumer = FakeConsumer(list(batches))
    sink = sink or Stored([])
    sink.story = consumer.story
    consume(consumer, sink, Places(sink, "usage.rejected"), Beat(folder, "rejects"), consumer.running)
    return consumer.story


def known(offset: int, partition: int = 0) -> FakeMessage:
    record = Rejection.of_worker(3, offset, 1, 0, "bad", b"{}")
    return FakeMessage(offset, partition, record.encoded())


def test_batches_are_stored_before_their_places_are_noted_and_committed(tmp_path: Path) -> None:
    batches = ([known(4), known(9, partition=1), known(5)], [FakeMessage(6, value_=None)])
    assert consumed(tmp_path, *batches) == [
        ("rejected", ["3-4-0", "3-9-0", "3-5-0"]),
        ("rejected_progress", {0: 6, 1: 10}),
        {0: 6, 1: 10},
        ("rejected", ["usage.rejected-0-6"]),
        ("rejected_progress", {0: 7, 1: 10}),
        {0: 7},
    ]


def test_what_was_not_stored_is_not_committed(tmp_path: Path) -> None:
    sink = Stored([], fails=True)
    with pytest.raises(ConnectionError):
        consumed(tmp_path, [known(1)], [], sink=sink)
    assert sink.story == []


@pytest.mark.parametrize("error", [RETRIABLE, OWN])
def test_passing_errors_are_waited_for(tmp_path: Path, error: KafkaError) -> None:
    assert consumed(tmp_path, [FakeMessage(error_=error), known(2)], []) == [
        ("rejected", ["3-2-0"]),
        ("rejected_progress", {0: 3}),
        {0: 3},
    ]


def test_other_errors_end_the_job(tmp_path: Path) -> None:
    with pytest.raises(KafkaException):
        consumed(tmp_path, [FakeMessage(error_=FINAL)], [])


def test_silence_is_alive(tmp_path: Path) -> None:
    assert consumed(tmp_path, [], [], []) == []
    assert (tmp_path / "rejects.beat").read_text() == "3\n"
    assert (tmp_path / "rejects.ready").exists()


@dataclass
class Assigned:
    """A consumer that is told where to start in a log of the offsets 10 to 20."""

    places: dict[int, int] = field(default_factory=dict)

    def get_watermark_offsets(self, _place: TopicPartition) -> tuple[int, int]:
        return (10, 20)

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.places = {place.partition: place.offset for place in partitions}


@pytest.mark.parametrize(
    ("stored", "start"),
    [({}, OFFSET_BEGINNING), ({0: 15}, 15), ({0: 20}, 20), ({0: 9}, OFFSET_BEGINNING), ({0: 21}, OFFSET_BEGINNING)],
)
def test_e8_refusals_are_resumed_where_the_warehouse_says(stored: dict[int, int], start: int) -> None:
    consumer = Assigned()
    places = Places(Stored([], places=stored), "usage.rejected")
    places.assigned(consumer, [TopicPartition("usage.rejected", 0)])
    assert consumer.places == {0: start}


def test_e8_a_warehouse_set_back_under_the_running_job_ends_it(tmp_path: Path) -> None:
    sink = Stored([])
    places = Places(sink, "usage.rejected")
    places.write({0: 12})
    sink.places = {0: 7}
    consumer = FakeConsumer([[], [], [], [], [], []])
    with pytest.raises(WarehouseSetBack, match="stored up to 7, and 12 was written"):
        consume(consumer, sink, places, Beat(tmp_path, "rejects"), consumer.running)
