"""Everything a worker holds for the partitions of one group generation; dropped as a whole on a rebalance."""

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from stream_jobs.calendars.local_calendar import Period
from stream_jobs.rollups.row_store import RowStore
from stream_jobs.worker.partition import Partition
from stream_jobs.worker.statements import Pair
from warehouse.families import FAMILIES

OUTCOMES = ("seen", "accepted", "duplicates", "rejected", "misrouted")
"""The running totals of a partition, which progress stores."""
PeriodKey = tuple[int, str, str, date]
"""(src_partition, organization, day or week, first local date)."""


@dataclass(slots=True)
class Pending:
    """A touched day or week that must be derived once it is closed.

    week: the week it lies in. touched: offset of the newest stored mark; deriving before it is applied proves nothing.
    """

    period: Period
    week: date
    touched: int = -1


@dataclass(slots=True)
class WorkerState:
    """Partitions by src_partition, the rows in memory by family, which pairs are loaded, which periods are pending."""

    generation: int
    topic_id: str = ""
    partitions: dict[int, Partition] = field(default_factory=dict)
    stores: list[RowStore] = field(default_factory=lambda: [RowStore(family) for family in FAMILIES])
    loaded: set[Pair] = field(default_factory=set)
    pending: dict[PeriodKey, Pending] = field(default_factory=dict)

    @property
    def rows_in_memory(self) -> int:
        """Rows over all families."""
        return sum(len(store) for store in self.stores)

    @property
    def totals(self) -> tuple[int, ...]:
        """Events of all partitions since their logs began, by OUTCOMES."""
        counts = [partition.counts for partition in self.partitions.values()]
        return tuple(sum(getattr(count, outcome) for count in counts) for outcome in OUTCOMES)

    def to_load(self, pairs: list[Pair]) -> list[Pair]:
        """The pairs whose stored rows may exist and are not in memory; all are noted as loaded (rule E31)."""
        missing = []
        for pair in pairs:
            if pair not in self.loaded:
                self.loaded.add(pair)
                partition, organization, bucket = pair
                if bucket <= self.partitions[partition].highest_bucket.get(organization, -1):
                    missing.append(pair)
        return missing

    def evict(self, keep_from: int) -> None:
        """Forgets rows of buckets before keep_from (Unix seconds); all rows must be acknowledged (rule E4)."""
        for store in self.stores:
            store.keep(pl.col("bucket") >= keep_from)
        gone = {pair for pair in self.loaded if pair[2] < keep_from}
        self.loaded -= gone
        for partition, organization, bucket in gone:
            highest = self.partitions[partition].highest_bucket
            highest[organization] = max(bucket, highest.get(organization, -1))
