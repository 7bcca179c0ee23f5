"""How far the topic of refusals is stored, kept in the warehouse beside the refusals (rule E8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import structlog
from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from stream_jobs.errors import WarehouseSetBack
from stream_jobs.worker.sink import Sink
from warehouse.literals import quoted

log = structlog.get_logger()


@dataclass(slots=True)
class Places:
    """What this process has stored, by Kafka partition, and what the warehouse says."""

    sink: Sink
    topic: str
    _reached: dict[int, int] = field(default_factory=dict)

    def assigned(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        """Has the consumer start where the warehouse says. What lies outside the log is read from its start: storing
        a refusal again changes nothing."""
        stored = self.stored()
        self._reached = {place.partition: stored.get(place.partition, 0) for place in partitions}
        for place in partitions:
            low, high = consumer.get_watermark_offsets(place)
            wanted = stored.get(place.partition, 0)
            place.offset = wanted if low <= wanted <= high else OFFSET_BEGINNING
        log.info("resuming", offsets={place.partition: place.offset for place in partitions})
        consumer.assign(partitions)

    def stored(self) -> dict[int, int]:
        """The first offset of each partition that is not stored."""
        topic = quoted(self.topic)
        return dict(self.sink.rows(f"SELECT partition, next_offset FROM rejected_progress FINAL WHERE topic = {topic}"))

    def check(self) -> None:
        """Raises WarehouseSetBack when the warehouse has less than this process stored."""
        stored = self.stored()
        for partition, ours in self._reached.items():
            if stored.get(partition, 0) < ours:
                raise WarehouseSetBack(
                    f"refusals of partition {partition} are stored up to {stored.get(partition, 0)}, and {ours} was "
                    "written; resuming from there"
                )

    def write(self, after: Mapping[int, int]) -> None:
        """Notes what is stored now: by partition, the first offset that is not."""
        rows = [(self.topic, partition, offset) for partition, offset in after.items()]
        schema = {"topic": pl.String, "partition": pl.UInt16, "next_offset": pl.Int64}
        self.sink.insert("rejected_progress", pl.DataFrame(rows, schema=schema, orient="row"))
        self._reached.update(after)
