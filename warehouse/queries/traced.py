"""Where one event is in the warehouse: its identity in, the counted rows and what became of its copies out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from warehouse.families import FAMILIES, Family
from warehouse.queries.query import Rows, utc

DIMENSIONS = tuple(dict.fromkeys(name for family in FAMILIES for name in family.dimensions))
GRAINS = ("quarter", "hour", "day", "week")


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """A row of usage_raw: where it stands in the log, its price, its place in the calendar and its dimensions."""

    organization: str
    event_id: UUID
    source_id: str
    time: datetime
    append_time: datetime
    partition: int
    offset: int
    index: int
    late: bool
    cost_usd: Decimal
    billed_usd: Decimal
    credits: Decimal
    cost_status: str
    priced_as: str
    price_revision: int
    control_offset: int
    hour: datetime
    day: date
    week: date
    dimensions: Mapping[str, str]
    void: bool = False
    """A control record said that it never counted."""


@dataclass(frozen=True, slots=True)
class CountedEvents:
    """The accepted events of an id: one, or several when the id came again with another time or organisation.

    Void ones too. event_id: None when only the sender's own key is known. organization: None for all of them.
    """

    event_id: UUID | None
    source_id: str
    organization: str | None = None

    @property
    def sql(self) -> str:
        """The statement: the narrow table finds the key by id, the wide one is read by its key only.

        The newest version is chosen here: FINAL leaves void events out.
        """
        asked = "event_id = {event_id:UUID}" if self.event_id else "source_id = {source_id:String}"
        narrow = "event_id_lookup" if self.event_id else "usage_raw"
        only = " AND organization = {organization:String}" if self.organization is not None else ""
        found = f"SELECT organization, time, event_id FROM {narrow} WHERE {asked}{only}"
        return f"""SELECT
    organization, event_id, source_id, time, append_time, src_partition, src_offset, src_index, late,
    toDecimal128(cost_nano_usd, 9) / 1000000000, toDecimal128(billed_nano_usd, 9) / 1000000000,
    toDecimal128(credits_micro, 6) / 1000000, cost_status, priced_as, price_revision, control_offset,
    hour, day, week, void, {", ".join(DIMENSIONS)}
FROM
(
    SELECT * FROM usage_raw WHERE (organization, time, event_id) IN ({found})
    ORDER BY control_offset DESC, void DESC LIMIT 1 BY organization, time, event_id
)
ORDER BY organization, src_partition, src_offset, src_index"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """What was asked for."""
        named = {"organization": self.organization} if self.organization is not None else {}
        return named | ({"event_id": str(self.event_id)} if self.event_id else {"source_id": self.source_id})

    def read(self, rows: Rows) -> list[CountedEvent]:
        """One event per row."""
        return [_event(row) for row in rows]


@dataclass(frozen=True, slots=True)
class RollupRow:
    """A stored row that the event belongs to. It contains the event when its offset is not below the event's."""

    table: str
    grain: str
    bucket: datetime
    requests: int
    offset: int
    epoch: int


@dataclass(frozen=True, slots=True)
class RollupRows:
    """The rows of one family that an event belongs to, finest grain first."""

    event: CountedEvent
    family: Family

    @property
    def sql(self) -> str:
        """The statement, by the rows' keys."""
        dimensions = " AND ".join(f"{name} = {{{name}:String}}" for name in self.family.dimensions)
        return f"""SELECT toString(grain), bucket, requests, offset, epoch FROM {self.family.table} FINAL
WHERE organization = {{organization:String}} AND src_partition = {{partition:UInt16}} AND {dimensions} AND
(
    (grain = 'quarter' AND bucket = toStartOfInterval(toDateTime({{seconds:Int64}}, 'UTC'), INTERVAL 15 MINUTE))
    OR (grain = 'hour' AND hour = toDateTime({{hour:Int64}}, 'UTC'))
    OR (grain = 'day' AND day = {{day:Date}})
    OR (grain = 'week' AND week = {{week:Date}})
)
ORDER BY grain"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The event's place and dimensions."""
        event = self.event
        return {
            "organization": event.organization,
            "partition": event.partition,
            "seconds": int(event.time.timestamp()),
            "hour": int(event.hour.timestamp()),
            "day": event.day,
            "week": event.week,
            **{name: event.dimensions[name] for name in self.family.dimensions},
        }

    def read(self, rows: Rows) -> list[RollupRow]:
        """One stored row per row."""
        return [RollupRow(self.family.table, row[0], utc(row[1]), *(int(cell) for cell in row[2:])) for row in rows]


@dataclass(frozen=True, slots=True)
class Derivation:
    """A local day or week of the event. It waits for its derived rows while touched is above done (-1: never)."""

    grain: str
    date: date
    touched: int
    done: int


@dataclass(frozen=True, slots=True)
class Derivations:
    """The day and the week of an event."""

    event: CountedEvent

    @property
    def sql(self) -> str:
        """The statement."""
        return """SELECT
    toString(grain) AS period, date,
    maxIf(offset + 1, kind = 'touched') - 1 AS touched, maxIf(offset + 1, kind = 'done') - 1 AS done
FROM touched_periods
WHERE src_partition = {partition:UInt16} AND organization = {organization:String}
    AND ((grain = 'day' AND date = {day:Date}) OR (grain = 'week' AND date = {week:Date}))
GROUP BY grain, date ORDER BY grain"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The event's place."""
        event = self.event
        return {
            "partition": event.partition,
            "organization": event.organization,
            "day": event.day,
            "week": event.week,
        }

    def read(self, rows: Rows) -> list[Derivation]:
        """One period per row."""
        return [Derivation(row[0], row[1], int(row[2]), int(row[3])) for row in rows]


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal that names the event or its place in the log; index None: the whole envelope."""

    rejection_id: str
    time: datetime
    source: str
    organization: str
    reason: str
    partition: int | None
    offset: int | None
    index: int | None


@dataclass(frozen=True, slots=True)
class Refusals:
    """Refusals of an event, by the names it is known under and by its places (partition, offset, index) in the log."""

    names: Sequence[str]
    places: Sequence[tuple[int, int, int]] = ()

    @property
    def sql(self) -> str:
        """The statement."""
        events = ", ".join(
            f"({int(partition)}, {int(offset)}, {int(index)})" for partition, offset, index in self.places
        )
        envelopes = ", ".join(f"({int(partition)}, {int(offset)})" for partition, offset, _ in self.places)
        at = (
            f" OR (ifNull(src_partition, 0), ifNull(src_offset, -1), ifNull(src_index, -1)) IN ({events})"
            f" OR (isNull(src_index) AND (ifNull(src_partition, 0), ifNull(src_offset, -1)) IN ({envelopes}))"
            if self.places
            else ""
        )
        return f"""SELECT rejection_id, time, source, organization, reason, src_partition, src_offset, src_index
FROM rejected FINAL WHERE event_id IN {{names:Array(String)}}{at}
ORDER BY time, rejection_id LIMIT 100"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The names."""
        return {"names": list(self.names)}

    def read(self, rows: Rows) -> list[Refused]:
        """One refusal per row."""
        return [Refused(row[0], utc(row[1]), *row[2:]) for row in rows]


@dataclass(frozen=True, slots=True)
class SetApart:
    """Envelopes that ended workers and are not decoded again: by log partition and offset."""

    @property
    def sql(self) -> str:
        """The statement."""
        return "SELECT DISTINCT src_partition, src_offset FROM quarantine FINAL ORDER BY src_partition, src_offset"

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> list[tuple[int, int]]:
        """One place per row."""
        return [(int(row[0]), int(row[1])) for row in rows]


def _event(row: Sequence[object]) -> CountedEvent:
    named = dict(zip(DIMENSIONS, map(str, row[20:]), strict=True))
    cells = list(row[:19])
    for place in (3, 4, 16):
        instant = cells[place]
        assert isinstance(instant, datetime)
        cells[place] = utc(instant)
    cells[8] = bool(cells[8])
    return CountedEvent(*[*cells, named, bool(row[19])])  # type: ignore[arg-type]
