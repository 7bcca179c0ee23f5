"""What control records and erasures did to one event: its identity in, former versions and tombstones out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from warehouse.queries.query import Rows, utc
from warehouse.queries.traced import CountedEvent

FORMER_NAMES = (
    *("user_id", "customer_id", "department", "project", "feature", "prompt_id", "thread_id", "provider", "model"),
    *("service_tier", "billing_type", "status", "category"),
)
"""Text columns of a former version."""


@dataclass(frozen=True, slots=True)
class FormerVersion:
    """An event as it was before a control record changed it, and what that record was.

    changed: when the row was written anew. asked: when the log received the record. rating: "" for none. version: the
    `control_offset` that it had, 0 as it was sent.
    """

    control_id: str
    kind: str
    author: str
    note: str
    asked: datetime | None
    changed: datetime
    price_revision: int
    cost_usd: Decimal
    billed_usd: Decimal
    credits: Decimal
    input_tokens: int
    output_tokens: int
    rating: str
    texts: Mapping[str, str]
    version: int = 0


@dataclass(frozen=True, slots=True)
class FormerVersions:
    """Every version of an event that was replaced, the one it came to be at its birth first."""

    event: CountedEvent

    @property
    def sql(self) -> str:
        """The statement."""
        return f"""SELECT
    toString(former.control_id), toString(former.kind), record.author, record.note, logged.append_time, former.changed,
    former.price_revision, toDecimal128(former.cost_nano_usd, 9) / 1000000000,
    toDecimal128(former.billed_nano_usd, 9) / 1000000000, toDecimal128(former.credits_micro, 6) / 1000000,
    former.input_tokens, former.output_tokens, ifNull(toString(former.rating), ''), former.former_control_offset,
    {", ".join(f"former.{name}" for name in FORMER_NAMES)}
FROM (SELECT * FROM corrections FINAL WHERE {_IDENTITY}) AS former
LEFT JOIN (SELECT control_id, author, note FROM control_records FINAL) AS record USING (control_id)
LEFT JOIN {_LOGGED} AS logged USING (control_id)
ORDER BY former.control_offset"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The event's identity."""
        return _identity(self.event)

    def read(self, rows: Rows) -> list[FormerVersion]:
        """One version per row."""
        return [
            FormerVersion(
                *(row[0], row[1], row[2], row[3], None if row[4] is None else utc(row[4]), utc(row[5]), int(row[6])),
                *(row[7], row[8], row[9], int(row[10]), int(row[11]), row[12]),
                texts=dict(zip(FORMER_NAMES, map(str, row[14:]), strict=True)),
                version=int(row[13]),
            )
            for row in rows
        ]


@dataclass(frozen=True, slots=True)
class AwaitedChange:
    """What a control record says of an event, in JSON. met: offset it came with, -1 awaited, -2 came before.

    asked: when the log received the record. refusal: why the event, which has come, stayed as it was; else empty.
    """

    organization: str
    time: datetime
    control_id: str
    kind: str
    change: str
    met: int
    author: str
    note: str
    asked: datetime | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class AwaitedChanges:
    """What records that name an event say of it, by its id."""

    event_id: UUID
    organization: str | None = None

    @property
    def sql(self) -> str:
        """The statement."""
        only = " AND organization = {organization:String}" if self.organization is not None else ""
        return f"""SELECT
    toString(said.organization), said.time, toString(said.control_id), toString(said.kind), said.change, said.met,
    record.author, record.note, logged.append_time, JSONExtractString(said.change, 'refusal')
FROM (SELECT * FROM awaited_events FINAL WHERE event_id = {{event_id:UUID}}{only}) AS said
LEFT JOIN (SELECT control_id, author, note FROM control_records FINAL) AS record USING (control_id)
LEFT JOIN {_LOGGED} AS logged USING (control_id)
ORDER BY said.src_partition, said.src_offset"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """What was asked for."""
        named = {} if self.organization is None else {"organization": self.organization}
        return {**named, "event_id": str(self.event_id)}

    def read(self, rows: Rows) -> list[AwaitedChange]:
        """One record per row."""
        return [
            AwaitedChange(
                *(row[0], utc(row[1]), row[2], row[3], row[4], int(row[5]), row[6], row[7]),
                None if row[8] is None else utc(row[8]),
                row[9],
            )
            for row in rows
        ]


@dataclass(frozen=True, slots=True)
class Buried:
    """The place of an erased event; partition is the log partition. asked: when the log received what erased it."""

    organization: str
    partition: int
    offset: int
    index: int
    append_time: datetime
    control_id: str
    asked: datetime | None


class TombstonedOrganizations:
    """The organisations that have erased events."""

    sql = "SELECT DISTINCT toString(organization) FROM tombstones ORDER BY 1"

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> list[str]:
        """Their names."""
        return [str(row[0]) for row in rows]


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Erased events by the hashes of their ids: (organisation, hash)."""

    hashes: Sequence[tuple[str, UUID]]

    @property
    def sql(self) -> str:
        """The statement."""
        return """SELECT
    toString(gone.organization), gone.src_partition, gone.src_offset, gone.src_index, gone.append_time,
    toString(gone.control_id), job.asked
FROM
(
    SELECT * FROM tombstones FINAL
    WHERE organization IN {organizations:Array(String)} AND id_hash IN {hashes:Array(UUID)}
) AS gone
LEFT JOIN (SELECT control_id, toNullable(asked) AS asked FROM jobs FINAL) AS job USING (control_id)
ORDER BY gone.src_partition, gone.src_offset, gone.src_index"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """What was asked for; a hash belongs to one organisation."""
        return {
            "organizations": [organization for organization, _ in self.hashes],
            "hashes": [str(id_hash) for _, id_hash in self.hashes],
        }

    def read(self, rows: Rows) -> list[Buried]:
        """One event per row."""
        return [
            Buried(
                *(row[0], int(row[1]), int(row[2]), int(row[3]), utc(row[4]), row[5]),
                None if row[6] is None else utc(row[6]),
            )
            for row in rows
        ]


_LOGGED = """(
    SELECT control_id, toNullable(min(append_time)) AS append_time FROM control_log
    WHERE outcome = 'applied' GROUP BY control_id
)"""
_IDENTITY = (
    "organization = {organization:String} AND time = fromUnixTimestamp64Milli({time:Int64}, 'UTC') "
    "AND event_id = {event_id:UUID}"
)


def _identity(event: CountedEvent) -> Mapping[str, object]:
    return {
        "organization": event.organization,
        "time": round(event.time.timestamp() * 1000),
        "event_id": str(event.event_id),
    }
