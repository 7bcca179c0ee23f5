"""What one comparison looks at: an organisation, local periods and a share of the rows in, conditions of SQL out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from warehouse.families import ROLLUP_TABLES
from warehouse.literals import second
from warehouse.queries.progress import PartitionProgress
from warehouse.queries.query import Rows, utc

SHOWN_DIFFERENCES = 200
"""Differences that one comparison brings back; all are counted."""
KEPT_PLACES = 20_000
"""Days that one comparison names as differing, for repairs."""
SPAN_SECONDS = {"hour": (0, 3 * 3_600), "day": (2 * 86_400, 3 * 86_400), "week": (2 * 86_400, 10 * 86_400)}
"""What a period holds lies within these before and after its name read as an instant of UTC."""
RAW_PER_ROW = 8
"""Raw events that weigh as much as one row: the memory of a comparison grows with rows, its time with both."""
FINER = {"hour": ("quarter", "hour"), "day": ("hour", "day"), "week": ("day", "week")}
"""The grains that the comparisons of a period read."""
Period = date | datetime
"""A local hour by its first instant (UTC), a day or a week by its first local date."""


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
    """Local periods (by `column`: hour, day or week; both ends included) and one of `pieces` shares of their rows.

    days: of hours, only those of these local dates; the same instant lies in two days of two organisations.
    """

    first: Period
    last: Period
    column: str = "day"
    organization: str | None = None
    piece: int = 0
    pieces: int = 1
    days: tuple[date | None, date | None] = (None, None)

    def where(self, instant: str, dimensions: Sequence[str]) -> str:
        """The conditions; `instant` is the column that lets the engine skip months and neighbours."""
        conditions = [
            f"{self.column} >= {self._named('first')} AND {self.column} <= {self._named('last')}",
            f"{instant} >= {second('{since:Int64}')} AND {instant} < {second('{until:Int64}')}",
        ]
        if self.days[0]:
            conditions.append("day >= {first_day:Date}")
        if self.days[1]:
            conditions.append("day <= {last_day:Date}")
        if self.organization is not None:
            conditions.append("organization = {organization:String}")
        if self.pieces > 1:
            hashed = ", ".join(("organization", *dimensions))
            conditions.append(f"cityHash64({hashed}) % {{pieces:UInt64}} = {{piece:UInt64}}")
        return " AND ".join(conditions)

    def _named(self, end: str) -> str:
        return second(f"{{{end}:Int64}}") if self.column == "hour" else f"{{{end}:Date}}"

    @property
    def parameters(self) -> Mapping[str, object]:
        """The values of the placeholders in `where`."""
        before, after = SPAN_SECONDS[self.column]
        values: dict[str, object] = {
            "first": _value(self.first),
            "last": _value(self.last),
            "since": max(0, _unix_seconds(self.first) - before),
            "until": _unix_seconds(self.last) + after,
        }
        if self.days[0]:
            values["first_day"] = self.days[0].isoformat()
        if self.days[1]:
            values["last_day"] = self.days[1].isoformat()
        if self.organization is not None:
            values["organization"] = self.organization
        if self.pieces > 1:
            values |= {"pieces": self.pieces, "piece": self.piece}
        return values


def _value(period: Period) -> object:
    return _unix_seconds(period) if isinstance(period, datetime) else period.isoformat()


def _unix_seconds(period: Period) -> int:
    start = period if isinstance(period, datetime) else datetime(period.year, period.month, period.day, tzinfo=UTC)
    return int(start.timestamp())


@dataclass(frozen=True, slots=True)
class RowsPerPeriod:
    """How much each local hour, day or week holds, over all tables: what has rows anywhere is compared.

    first and last: local days; a week counts when it has one of them.
    """

    column: str = "day"
    organization: str | None = None
    first: date | None = None
    last: date | None = None

    @property
    def sql(self) -> str:
        """The statement."""
        day = "week + 6" if self.column == "week" else "day"
        conditions = [
            "organization = {organization:String}" if self.organization is not None else "",
            f"{day} >= {{first:Date}}" if self.first else "",
            f"{'week' if self.column == 'week' else 'day'} <= {{last:Date}}" if self.last else "",
        ]
        also = "".join(f" AND {condition}" for condition in conditions if condition)
        grains = ", ".join(f"'{grain}'" for grain in FINER[self.column])
        counts = [
            f"SELECT {self.column} AS period, count() AS weight FROM {table} "
            f"WHERE grain IN ({grains}){also} GROUP BY period"
            for table in ROLLUP_TABLES
        ]
        if self.column == "hour":
            raw = f"SELECT hour AS period, intDiv(count(), {RAW_PER_ROW}) + 1 AS weight FROM usage_raw"
            counts.append(f"{raw} WHERE 1{also} GROUP BY period")
        together = "\n    UNION ALL ".join(counts)
        return f"SELECT period, sum(weight) FROM\n(\n    {together}\n)\nGROUP BY period ORDER BY period"

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

    def read(self, rows: Rows) -> list[tuple[Period, int]]:
        """Period and weight, oldest first."""
        return [(utc(period) if isinstance(period, datetime) else period, int(weight)) for period, weight in rows]


def parts(
    periods: Sequence[tuple[Period, int]],
    rows_max: int,
    column: str,
    organization: str | None,
    days: tuple[date | None, date | None] = (None, None),
) -> list[Part]:
    """Neighbouring periods together up to `rows_max` rows; a period with more is cut into shares of its rows."""
    found: list[Part] = []
    first: Period | None = None
    last: Period = date.min
    held = 0
    for period, number in [*periods, (date.max, rows_max)]:
        if first is not None and held + number > rows_max:
            pieces = max(1, -(-held // rows_max))
            found += [Part(first, last, column, organization, piece, pieces, days) for piece in range(pieces)]
            first, held = None, 0
        first, last, held = first or period, period, held + number
    return found
