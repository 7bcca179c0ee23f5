"""A job of one log partition: what its control record asks, and how far it is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from producers.control.bodies import Body, body_of
from producers.errors import ControlRefused
from stream_jobs.corrections.change import Correction, corrections_of
from stream_jobs.errors import JobRefused
from warehouse.literals import quoted
from warehouse.log_partitions import PARTITIONS_PER_GENERATION, row_version

STATES: Final = ("asked", "planned", "done", "failed", "cancelled")
"""In the order of their row versions, from 1."""
COLUMNS: Final = (
    *("src_partition", "toString(control_id)", "src_offset", "toString(kind)", "organization", "body", "prices"),
    *("multipliers", "toString(state)", "slices", "asked", "message"),
)

NAMES: Final = (
    *("home", "control_id", "offset", "kind", "organization", "body", "prices", "multipliers", "state", "slices"),
    *("asked", "message"),
)
"""The fields that COLUMNS give, in their order."""


@dataclass(frozen=True, slots=True)
class Job:
    """home, offset: place of the record. prices, multipliers: revisions in force there. slices: 0 until planned.

    asked: when the log received the record. message: what people should know of it. wanted: run, pause or cancel.
    """

    home: int
    control_id: str
    offset: int
    kind: str
    organization: str
    body: Body
    prices: int
    multipliers: int
    state: str
    slices: int
    asked: datetime
    message: str = ""
    wanted: str = "run"

    @classmethod
    def read(cls, row: Sequence[Any], wanted: str) -> "Job":
        """A row of the table jobs, by COLUMNS. Raises JobRefused when nobody can tell what is to be done."""
        said = dict(zip(NAMES, row, strict=True))
        try:
            said["body"] = body_of(said["kind"], said["organization"], json.loads(said["body"]))
        except (ControlRefused, ValueError, RecursionError) as problem:
            raise JobRefused(f"what the job is to do cannot be read: {str(problem)[:300]}") from None
        return cls(**said, wanted=wanted)

    @property
    def version(self) -> int:
        """The row version of what it writes to usage_raw."""
        return row_version(self.home, self.offset)

    @property
    def corrections(self) -> list[Correction]:
        """What it changes in events."""
        return corrections_of(self.body)

    def meets(self, other: "Job") -> bool:
        """Whether they may be about the same events, so that the later one waits."""
        return self.organization == other.organization or "" in (self.organization, other.organization)

    def in_partition(self, number: int) -> str:
        """Raw rows of a log partition that lie before the record and that neither it nor a later one has written."""
        before = f" AND src_offset <= {self.offset}" if number == self.home else ""
        own = f" AND organization = {quoted(self.organization)}" if self.organization else ""
        return f"src_partition = {number}{own}{before} AND control_offset < {self.version}"

    def partitions(self, known: Sequence[int]) -> list[int]:
        """Log partitions that may hold its events: its own, and those of former generations among `known`."""
        first = self.home // PARTITIONS_PER_GENERATION * PARTITIONS_PER_GENERATION
        return [number for number in known if number == self.home or number < first]
