"""What one event was priced under: its place in the log in, revisions in force and who made them out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.queries.query import Rows, utc
from warehouse.set_apart import not_set_apart

Kind = Literal["prices", "multipliers"]


@dataclass(frozen=True, slots=True)
class RevisionAt:
    """The revision of a kind in force at a place of the log: the highest seen up to there, 0 before the first.

    Everything that former generations of the topic ended with holds at the places of later ones.
    """

    kind: Kind
    src_partition: int
    offset: int

    @property
    def sql(self) -> str:
        """The statement."""
        return (
            "SELECT max(revision) FROM revision_switches WHERE kind = {kind:String} AND "
            "(src_partition < {first:UInt16} OR (src_partition = {partition:UInt16} AND offset <= {offset:Int64})) "
            f"AND {not_set_apart('offset')}"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """The place."""
        first = self.src_partition // PARTITIONS_PER_GENERATION * PARTITIONS_PER_GENERATION
        return {"kind": self.kind, "first": first, "partition": self.src_partition, "offset": self.offset}

    def read(self, rows: Rows) -> int:
        """The number."""
        return int(rows[0][0])


@dataclass(frozen=True, slots=True)
class JobPrices:
    """What a job prices with. counts_with: the multipliers that it counts credits with again, and bills by their terms;
    None when it leaves both."""

    src_partition: int
    prices: int
    counts_with: int | None


@dataclass(frozen=True, slots=True)
class JobsOfRecords:
    """What the jobs of control records price with, by record; those that price nothing are left out."""

    control_ids: Sequence[str]

    @property
    def sql(self) -> str:
        """The statement."""
        return """SELECT toString(control_id), src_partition, toString(kind), body, prices, multipliers FROM jobs FINAL
WHERE control_id IN {control_ids:Array(UUID)} AND kind IN ('reprice', 'replace')
ORDER BY src_partition"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The records."""
        return {"control_ids": list(self.control_ids)}

    def read(self, rows: Rows) -> dict[str, list[JobPrices]]:
        """The jobs of each record, one per partition."""
        found: dict[str, list[JobPrices]] = {}
        for control_id, partition, kind, body, prices, multipliers in rows:
            said = _said(kind, body).get("prices", int(prices))
            job = JobPrices(int(partition), said, counts_with(kind, body, int(multipliers)))
            found.setdefault(control_id, []).append(job)
        return found


def counts_with(kind: str, body: str, in_force: int) -> int | None:
    """The multipliers that a job counts credits with again and whose terms it bills by; None when it leaves both.

    kind: reprice or replace. body: its JSON. in_force: the multipliers at its record.
    """
    if kind != "reprice":
        return in_force
    said = _said(kind, body).get("multipliers")
    return in_force if said == "in_force" else said


def _said(kind: str, body: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(body or "{}") if kind == "reprice" else {}  # emptied when it named who was erased
    return said


@dataclass(frozen=True, slots=True)
class RevisionTold:
    """Who made a revision of prices or multipliers, and why. organization: whose; empty for everyone."""

    kind: str
    revision: int
    organization: str
    author: str
    note: str
    source: str
    created: datetime


@dataclass(frozen=True, slots=True)
class RevisionsOfState:
    """The revisions that a state is made of for one organization: of everyone and of the organization itself the
    highest up to its number."""

    kind: Kind
    state: int
    organization: str

    @property
    def sql(self) -> str:
        """The statement."""
        return """SELECT toString(kind), revision, organization, author, note, source, created
FROM config_revisions FINAL
WHERE kind = {kind:String} AND revision <= {state:UInt32} AND organization IN ('', {organization:String})
ORDER BY organization, revision DESC LIMIT 1 BY organization"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The state."""
        return {"kind": self.kind, "state": self.state, "organization": self.organization}

    def read(self, rows: Rows) -> list[RevisionTold]:
        """One revision per row."""
        return [RevisionTold(row[0], int(row[1]), row[2], row[3], row[4], row[5], utc(row[6])) for row in rows]
