"""Everything that is known of each log partition: a topic in, one row per partition out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.queries.query import Rows, utc


@dataclass(frozen=True, slots=True)
class PartitionState:
    """One log partition. Counts are events since its log began."""

    partition: int
    applied_offset: int
    applied_time: datetime
    seen: int
    accepted: int
    duplicates: int
    rejected: int
    misrouted: int
    logic_version: int
    worker: str
    written: datetime

    @property
    def kafka_partition(self) -> int:
        """Kafka's number of it."""
        return self.partition % PARTITIONS_PER_GENERATION

    @property
    def generation(self) -> int:
        """The generation of the topic."""
        return self.partition // PARTITIONS_PER_GENERATION


@dataclass(frozen=True, slots=True)
class PartitionStates:
    """The partitions of a topic in order, those of older generations too."""

    topic: str

    @property
    def sql(self) -> str:
        """The statement."""
        return """SELECT
    src_partition, applied_offset, applied_time, seen, accepted, duplicates, rejected, misrouted, logic_version, worker,
    written
FROM partition_progress FINAL WHERE topic = {topic:String} ORDER BY src_partition"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The topic."""
        return {"topic": self.topic}

    def read(self, rows: Rows) -> list[PartitionState]:
        """One partition per row."""
        return [PartitionState(*(*row[:2], utc(row[2]), *row[3:10], utc(row[10]))) for row in rows]


def of_newest_generation(states: list[PartitionState]) -> dict[int, PartitionState]:
    """The partitions that workers read now, by Kafka's number."""
    newest = max((state.generation for state in states), default=0)
    return {state.kafka_partition: state for state in states if state.generation == newest}


@dataclass(frozen=True, slots=True)
class Lateness:
    """The late events of a log partition: how many, and by how much the middle and the latest one came late (s)."""

    partition: int
    events: int
    median_seconds: float
    longest_seconds: float


@dataclass(frozen=True, slots=True)
class LateEvents:
    """Accepted events that came late, by partition, of those that the log received in the last so many hours."""

    hours: int = 24
    late_ms: int = 900_000

    @property
    def sql(self) -> str:
        """The statement; it reads the narrow table of accepted events."""
        return """SELECT src_partition, count(), quantileExact(delay_ms) / 1000, max(delay_ms) / 1000
FROM
(
    SELECT src_partition, dateDiff('millisecond', time, append_time) AS delay_ms FROM event_id_log FINAL
    WHERE append_time >= now64(3, 'UTC') - toIntervalHour({hours:UInt32})
)
WHERE delay_ms > {late_ms:Int64} GROUP BY src_partition ORDER BY src_partition"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The span and the threshold."""
        return {"hours": self.hours, "late_ms": self.late_ms}

    def read(self, rows: Rows) -> list[Lateness]:
        """One partition per row."""
        return [Lateness(int(row[0]), int(row[1]), float(row[2]), float(row[3])) for row in rows]
