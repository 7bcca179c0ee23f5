"""Erasures that are at work: while one is, raw events, their ids and their tombstones differ by right."""

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.queries.query import Rows

OVER = ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class ErasingJob:
    """A job that erases. home: log partition of its record."""

    control_id: str
    home: int
    organization: str
    state: str

    def touches(self, partition: int) -> bool:
        """Whether it may remove events of a log partition: its own, or one of a former generation."""
        first = self.home // PARTITIONS_PER_GENERATION * PARTITIONS_PER_GENERATION
        return partition == self.home or partition < first


@dataclass(frozen=True, slots=True)
class ErasingJobs:
    """Every erasure that was ever asked for."""

    sql = (
        "SELECT toString(control_id), src_partition, organization, toString(state) FROM jobs FINAL WHERE kind = 'erase'"
    )

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> frozenset[ErasingJob]:
        """One job per row."""
        return frozenset(ErasingJob(row[0], int(row[1]), row[2], row[3]) for row in rows)


def at_work(before: frozenset[ErasingJob], after: frozenset[ErasingJob]) -> list[ErasingJob]:
    """Those that removed something between two looks, or may have: what is over in both did not."""
    moved = {job.control_id: job for job in before ^ after}
    still = {job.control_id: job for job in before & after if job.state not in OVER}
    return sorted((moved | still).values(), key=lambda job: job.control_id)
