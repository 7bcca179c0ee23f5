"""What one comparison looks at: an organisation, local days and a share of the rows in, conditions of SQL out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from warehouse.queries.progress import PartitionProgress
from warehouse.queries.query import Rows

SHOWN_DIFFERENCES = 200
"""Differences that one comparison brings back; all are counted."""
OFFSETS_SPAN_DAYS = 2
"""A local day lies within this many days of its date in UTC, on either side."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Up to where each log partition was applied when it was read: what lies there must be in the rollups."""

    applied: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, partitions: Sequence[PartitionProgress]) -> "Cut":
        """The cut of the progress that was read."""
        return cls({progress.partition: progress.applied_offset for progress in partitions})

    sql = "transform(toInt64(src_partition), {cut_partitions:Array(Int64)}, {cut_offsets:Array(Int64)}, toInt64(-1))"
    """The applied offset of a row's partition, -1 where nothing was applied."""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The values of the placeholders in `sql`."""
        # An empty array is refused by transform: no partition has the number -1.
        return {"cut_partitions": [-1, *self.applied], "cut_offsets": [-1, *self.applied.values()]}


NOTHING_APPLIED = Cut()


@dataclass(frozen=True, slots=True)
class Part:
    """Local days (by `column`, day or week, both ends included) and one of `pieces` shares of their rows."""

    first: date
    last: date
    column: str = "day"
    organization: str | None = None
    piece: int = 0
    pieces: int = 1

    def where(self, instant: str, dimensions: Sequence[str]) -> str:
        """The conditions; `instant` is the column that lets the engine skip months."""
        length = 7 if self.column == "week" else 0
        conditions = [
            f"{self.column} >= {{first:Date}} AND {self.column} <= {{last:Date}}",
            f"{instant} >= toDateTime({{first:Date}}, 'UTC') - toIntervalDay({OFFSETS_SPAN_DAYS})",
            f"{instant} < toDateTime({{last:Date}}, 'UTC') + toIntervalDay({OFFSETS_SPAN_DAYS + 1 + length})",
        ]
        if self.organization is not None:
            conditions.append("organization = {organization:String}")
        if self.pieces > 1:
            hashed = ", ".join(("organization", *dimensions))
            conditions.append(f"cityHash64({hashed}) % {{pieces:UInt64}} = {{piece:UInt64}}")
        return " AND ".join(conditions)

    @property
    def parameters(self) -> Mapping[str, object]:
        """The values of the placeholders in `where`."""
        values: dict[str, object] = {"first": self.first.isoformat(), "last": self.last.isoformat()}
        if self.organization is not None:
            values["organization"] = self.organization
        if self.pieces > 1:
            values |= {"pieces": self.pieces, "piece": self.piece}
        return values


@dataclass(frozen=True, slots=True)
class RowsPerPeriod:
    """How many raw and quarter-hourly rows each local day or week has."""

    column: str = "day"
    organization: str | None = None
    first: date | None = None
    last: date | None = None

    @property
    def sql(self) -> str:
        """The statement."""
        conditions = [
            "organization = {organization:String}" if self.organization is not None else "",
            f"{self.column} >= {{first:Date}}" if self.first else "",
            f"{self.column} <= {{last:Date}}" if self.last else "",
        ]
        also = "".join(f" AND {condition}" for condition in conditions if condition)
        return f"""SELECT {self.column}, count() FROM
(
    SELECT {self.column} FROM usage_raw WHERE 1{also}
    UNION ALL SELECT {self.column} FROM rollup WHERE grain = 'quarter'{also}
)
GROUP BY {self.column} ORDER BY {self.column}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The values of the placeholders."""
        values: dict[str, object] = {}
        if self.organization is not None:
            values["organization"] = self.organization
        if self.first:
            values["first"] = self.first.isoformat()
        if self.last:
            values["last"] = self.last.isoformat()
        return values

    def read(self, rows: Rows) -> list[tuple[date, int]]:
        """Date and number of rows, oldest first."""
        return [(day, int(number)) for day, number in rows]


def parts(periods: Sequence[tuple[date, int]], rows_max: int, column: str, organization: str | None) -> list[Part]:
    """Neighbouring periods together up to `rows_max` rows; a period with more is cut into shares of its rows."""
    found: list[Part] = []
    first: date | None = None
    last = date.min
    held = 0
    for day, number in [*periods, (date.max, rows_max)]:
        if first is not None and held + number > rows_max:
            pieces = max(1, -(-held // rows_max))
            found += [Part(first, last, column, organization, piece, pieces) for piece in range(pieces)]
            first, held = None, 0
        first, last, held = first or day, day, held + number
    return found
