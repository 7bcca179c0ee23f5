"""How far the log has been applied: nothing in, one row per log partition out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from warehouse.queries.query import Rows, utc


@dataclass(frozen=True, slots=True)
class PartitionProgress:
    """One log partition: everything up to applied_offset is in the warehouse. Counts are events since the start."""

    topic: str
    partition: int
    applied_offset: int
    applied_time: datetime
    seen: int
    accepted: int
    duplicates: int
    rejected: int
    misrouted: int


@dataclass(frozen=True, slots=True)
class Progress:
    """All partitions in order."""

    @property
    def sql(self) -> str:
        """The statement."""
        return """SELECT
    topic, src_partition, applied_offset, applied_time, seen, accepted, duplicates, rejected, misrouted
FROM partition_progress FINAL ORDER BY topic, src_partition"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> list[PartitionProgress]:
        """One partition per row."""
        return [PartitionProgress(*(*row[:3], utc(row[3]), *row[4:])) for row in rows]


def as_of(partitions: Sequence[PartitionProgress]) -> datetime | None:
    """The newest append time that has been applied; None before the first."""
    return max((partition.applied_time for partition in partitions), default=None)
