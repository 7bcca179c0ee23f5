"""Everything a worker holds for the partitions of one group generation; dropped as a whole on a rebalance."""

from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from stream_jobs.calendars.local_calendar import Period
from stream_jobs.rollups.pairs import PAIR, Pairs
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


@dataclass(frozen=True, slots=True)
class Stuck:
    """A closed period that cannot be derived: how often it failed, when it is tried again (monotonic s), and why."""

    failures: int
    again: float
    why: str


@dataclass(slots=True)
class WorkerState:
    """Partitions by src_partition, the rows in memory by family, which periods are pending.

    Memory: rows are bounded by eviction, windows by W. highest_bucket (in Partition) has one number per organisation;
    pending has the open days and weeks of every organisation and what waits for the cascade, which late events of many
    days can raise: about 700 bytes each.
    """

    generation: int
    topic_id: str = ""
    partitions: dict[int, Partition] = field(default_factory=dict)
    pairs: Pairs = field(default_factory=Pairs)
    stores: list[RowStore] = field(init=False)
    pending: dict[PeriodKey, Pending] = field(default_factory=dict)
    stuck: dict[PeriodKey, Stuck] = field(default_factory=dict)
    """Pending periods that were too much for the warehouse; views take them from quarter hours."""
    acknowledged_take: int = -1
    """All rows touched last in or before this take are stored as they are in memory."""

    def __post_init__(self) -> None:
        self.stores = [RowStore(family, self.pairs) for family in FAMILIES]

    @property
    def rows_in_memory(self) -> int:
        """Rows over all families."""
        return sum(len(store) for store in self.stores)

    @property
    def totals(self) -> tuple[int, ...]:
        """Events of all partitions since their logs began, by OUTCOMES."""
        counts = [partition.counts for partition in self.partitions.values()]
        return tuple(sum(getattr(count, outcome) for count in counts) for outcome in OUTCOMES)

    def touch(self, key: PeriodKey, touched: Pending) -> None:
        """A period waits until its newest mark is applied: one stored behind progress, by whoever died, counts too."""
        known = self.pending.get(key)
        self.pending[key] = replace(touched, touched=max(touched.touched, known.touched if known else -1))

    def entered(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Pair]]:
        """Begins a take: its events with the number of their `pair`, and the pairs to be loaded (rule E31)."""
        self.pairs.take += 1
        numbers, fresh = self.pairs.add(frame)
        missing = [
            pair
            for pair in self.pairs.frame(fresh).select(PAIR).iter_rows()
            if pair[2] <= self.partitions[pair[0]].highest_bucket.get(pair[1], -1)
        ]
        return frame.with_columns(pl.Series("pair", numbers)), missing
