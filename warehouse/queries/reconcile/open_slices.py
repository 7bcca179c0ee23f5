"""Slices of jobs that are not done: days whose raw events may be ahead of their rows, by right.

A job rewrites raw events first and rollup rows after them. Until its slice of a day is done the two may differ; the day
is left out, which is told. Where a slice has failed the day is compared like all others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from warehouse.queries.query import Rows
from warehouse.queries.reconcile.difference import Place

OPEN = "home != -1 AND state IN ('asked', 'running')"
NOT_OPEN = (
    "(src_partition, organization, day) NOT IN "
    f"(SELECT src_partition, organization, day FROM repairs FINAL WHERE {OPEN})"
)
"""The condition that no job has an open slice of the row's day."""


@dataclass(frozen=True, slots=True)
class Within:
    """Which slices are asked for: those of an organisation or of all, with local days from first to last."""

    organization: str | None = None
    first: date | None = None
    last: date | None = None

    @property
    def sql(self) -> str:
        """The conditions, each behind an AND."""
        conditions = [
            "organization = {organization:String}" if self.organization is not None else "",
            "day >= {first:Date}" if self.first else "",
            "day <= {last:Date}" if self.last else "",
        ]
        return "".join(f" AND {condition}" for condition in conditions if condition)

    @property
    def parameters(self) -> Mapping[str, object]:
        """The values of the placeholders."""
        values: dict[str, object] = {} if self.organization is None else {"organization": self.organization}
        if self.first:
            values["first"] = self.first.isoformat()
        if self.last:
            values["last"] = self.last.isoformat()
        return values


@dataclass(frozen=True, slots=True)
class OpenPlaces:
    """The days that have an open slice."""

    within: Within = Within()

    @property
    def sql(self) -> str:
        """The statement."""
        return f"SELECT DISTINCT src_partition, organization, day FROM repairs FINAL WHERE {OPEN}{self.within.sql}"

    @property
    def parameters(self) -> Mapping[str, object]:
        """The bounds."""
        return self.within.parameters

    def read(self, rows: Rows) -> frozenset[Place]:
        """One day of one organisation and partition per row."""
        return frozenset(Place(int(partition), organization, day) for partition, organization, day in rows)


@dataclass(frozen=True, slots=True)
class OpenJob:
    """A job, and how many days of an organisation and log partition it has still to do."""

    control_id: str
    kind: str
    days: int

    @property
    def told(self) -> str:
        """One sentence for people."""
        days = "1 day of an organization is" if self.days == 1 else f"{self.days:,} days of an organization are"
        return f"{days} still to be done by job {self.control_id} ({self.kind}): not compared with raw events"


@dataclass(frozen=True, slots=True)
class OpenJobs:
    """Every job with open slices, the one with most first."""

    within: Within = Within()

    @property
    def sql(self) -> str:
        """The statement."""
        return (
            "SELECT repair_id, any(reason) AS kind, count() AS days FROM repairs FINAL "
            f"WHERE {OPEN}{self.within.sql} GROUP BY repair_id ORDER BY days DESC, repair_id"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """The bounds."""
        return self.within.parameters

    def read(self, rows: Rows) -> list[OpenJob]:
        """One job per row."""
        return [OpenJob(control_id, kind, int(days)) for control_id, kind, days in rows]


@dataclass(frozen=True, slots=True)
class FailedSlice:
    """A day that a job could not do, and why."""

    place: Place
    control_id: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class FailedSlices:
    """Every slice that a job has given up."""

    within: Within = Within()

    @property
    def sql(self) -> str:
        """The statement."""
        return (
            "SELECT src_partition, organization, day, repair_id, reason, message FROM repairs FINAL "
            f"WHERE home != -1 AND state = 'failed'{self.within.sql} ORDER BY repair_id, organization, day"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """The bounds."""
        return self.within.parameters

    def read(self, rows: Rows) -> list[FailedSlice]:
        """One slice per row."""
        return [FailedSlice(Place(int(row[0]), row[1], row[2]), *row[3:]) for row in rows]
