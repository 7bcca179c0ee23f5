"""Running totals against the log itself (rule E30): what progress and earlier counts say, and what is to be read."""

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.queries.query import Rows
from warehouse.queries.reconcile.difference import Difference, difference
from warehouse.queries.reconcile.identities import WHOLE_LOG

CHECK = "partition_progress = log"


@dataclass(frozen=True, slots=True)
class LogCount:
    """Events of one log partition up to an offset: read from the log (seen), and stored at its positions (accepted).

    started_at: first offset that was read; 0 = nothing had to be taken from the running totals.
    """

    offset: int = -1
    seen: int = 0
    accepted: int = 0
    started_at: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """Running totals of one log partition at its applied offset, and the count that is known so far."""

    partition: int
    topic_id: str
    applied: int
    seen: int
    accepted: int
    known: LogCount | None

    @property
    def kafka_partition(self) -> int:
        """Its number in the topic."""
        return self.partition % PARTITIONS_PER_GENERATION


@dataclass(frozen=True, slots=True)
class RunningTotals:
    """Every partition of a topic."""

    topic: str

    @property
    def sql(self) -> str:
        """The statement."""
        return """SELECT
    src_partition, progress.topic_id, applied_offset, progress.seen, progress.accepted,
    counted.found, counted.offset, counted.seen, counted.accepted, counted.started_at_offset
FROM (SELECT * FROM partition_progress FINAL WHERE topic = {topic:String}) AS progress
LEFT JOIN
(
    SELECT src_partition, topic_id, offset, seen, accepted, started_at_offset, 1 AS found FROM log_counts FINAL
) AS counted USING (src_partition, topic_id)
ORDER BY src_partition"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The topic."""
        return {"topic": self.topic}

    def read(self, rows: Rows) -> list[Counted]:
        """One partition per row."""
        return [
            Counted(
                int(row[0]),
                str(row[1]),
                int(row[2]),
                int(row[3]),
                int(row[4]),
                LogCount(*(int(value) for value in row[6:])) if row[5] else None,
            )
            for row in rows
        ]


@dataclass(frozen=True, slots=True)
class SetApart:
    """Positions (offset, index) of a partition above an offset that are in quarantine."""

    partition: int
    above: int

    @property
    def sql(self) -> str:
        """The statement."""
        return (
            "SELECT src_offset, src_index FROM quarantine FINAL "
            "WHERE src_partition = {partition:UInt16} AND src_offset > {above:Int64}"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """The bounds."""
        return {"partition": self.partition, "above": self.above}

    def read(self, rows: Rows) -> list[tuple[int, int]]:
        """One position per row."""
        return [(int(offset), int(index)) for offset, index in rows]


@dataclass(frozen=True, slots=True)
class Plan:
    """From where to count one partition up to its applied offset; `note` is for people."""

    counted: Counted
    base: LogCount
    note: str = ""

    @property
    def first(self) -> int:
        """The first offset to read; above `last` when nothing is new."""
        return self.base.offset + 1

    @property
    def last(self) -> int:
        """The last one."""
        return self.counted.applied


def plan(counted: Counted, topic_id: str, log_start: int) -> Plan | str:
    """What to read, or why nothing can be compared. log_start: the oldest offset that the log still has."""
    named = f"log partition {counted.partition}"
    if counted.topic_id != topic_id:
        return f"{named}: its topic is gone (id {counted.topic_id} then, {topic_id} now); its events cannot be counted"
    known = counted.known
    if known is not None and known.offset > counted.applied:
        return f"{named}: counted up to {known.offset} but only {counted.applied} is applied; compared when it is again"
    if known is None and log_start == 0:
        return Plan(counted, LogCount())
    if known is not None and log_start <= known.offset + 1:
        return Plan(counted, known)
    why = "the log begins" if known is None else f"it was counted up to {known.offset} and now begins"
    base = LogCount(counted.applied, counted.seen, counted.accepted, counted.applied + 1)
    return Plan(
        counted,
        base,
        f"{named}: {why} at offset {log_start}, what retention removed cannot be counted; running totals are taken as "
        f"they are at offset {counted.applied} and compared from there on",
    )


def compare(counted: Counted, found: LogCount, topic: str) -> list[Difference]:
    """Totals at the applied offset against the count that ends there."""
    period = WHOLE_LOG if not found.started_at else f"since offset {found.started_at}"
    totals, counts = (counted.seen, counted.accepted), (found.seen, found.accepted)
    if totals == counts:
        return []
    return [difference(CHECK, (topic, counted.partition, period), (), ("seen", "accepted"), (counts, totals))]
