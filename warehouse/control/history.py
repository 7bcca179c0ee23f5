"""The history of the configuration for people: filters in; revisions, where they are in force, and rows out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from warehouse.queries.query import Rows, utc

KINDS = ("prices", "multipliers", "calendar")


@dataclass(frozen=True, slots=True)
class Switch:
    """From where a revision is in force in one log partition. time: when the log received it; None: not known."""

    src_partition: int
    offset: int
    time: datetime | None


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """One revision, and where it is in force."""

    kind: str
    organization: str
    revision: int
    content_hash: str
    author: str
    note: str
    source: str
    created: datetime
    content: str
    switches: tuple[Switch, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """Revisions, newest first. organization: None for any, "" for those of the whole installation."""

    kind: str | None = None
    organization: str | None = None
    revision: int | None = None
    limit: int = 100

    @property
    def sql(self) -> str:
        """The statement. Of several records that switch a partition to a revision the first counts."""
        given = (
            (self.kind is not None, "kind = {kind:String}"),
            (self.organization is not None, "organization = {organization:String}"),
            (self.revision is not None, "revision = {revision:UInt32}"),
        )
        conditions = " AND ".join(text for wanted, text in given if wanted)
        where = f"WHERE {conditions} " if conditions else ""
        return f"""SELECT toString(kind), organization, revision, content_hash, author, note, source, created, content,
    arraySort(switched.places)
FROM (
    SELECT * FROM config_revisions FINAL {where}ORDER BY created DESC, kind, revision DESC LIMIT {{limit:UInt64}}
) AS stored
LEFT JOIN (
    SELECT kind, organization, revision,
        groupArray((src_partition, first_offset, toUnixTimestamp64Milli(append_time))) AS places
    FROM (
        SELECT src_partition, kind, organization, revision, min(offset) AS first_offset FROM revision_switches FINAL
        GROUP BY src_partition, kind, organization, revision
    ) AS place
    LEFT JOIN (SELECT src_partition, src_offset, append_time FROM control_log FINAL WHERE kind = 'config') AS received
        ON received.src_partition = place.src_partition AND received.src_offset = place.first_offset
    GROUP BY kind, organization, revision
) AS switched USING kind, organization, revision
ORDER BY created DESC, kind, revision DESC"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Filters and limit."""
        values = {"kind": self.kind, "organization": self.organization, "revision": self.revision}
        return {"limit": self.limit, **{name: value for name, value in values.items() if value is not None}}

    def read(self, rows: Rows) -> list[StoredRevision]:
        """One revision per row."""
        return [_stored(row) for row in rows]


PRICE_KEY = (
    *("organization", "provider", "model", "service_tier", "effective_from", "daily_from", "daily_to", "unit"),
    *("tier_start", "marginal"),
)
MULTIPLIER_KEY = ("organization", "provider", "model", "effective_from")
TABLE_KEYS = {"prices": PRICE_KEY, "multipliers": MULTIPLIER_KEY}


@dataclass(frozen=True, slots=True)
class Line:
    """One price (USD, `per` units) or multiplier (credits a request; per 0: it ends), by its key; texts throughout."""

    key: tuple[str, ...]
    value: Decimal
    per: int


@dataclass(frozen=True, slots=True)
class RevisionLines:
    """The rows of one revision of prices or multipliers, in the order of their keys."""

    kind: Literal["prices", "multipliers"]
    revision: int

    @property
    def sql(self) -> str:
        """The statement."""
        key = TABLE_KEYS[self.kind]
        value = "price_usd, per" if self.kind == "prices" else "toDecimal128(multiplier_milli, 3) / 1000, NOT ended"
        return (
            f"SELECT {', '.join(f'toString({name})' for name in key)}, {value} FROM {self.kind} FINAL "
            f"WHERE revision = {{revision:UInt32}} ORDER BY {', '.join(key)}"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """The revision."""
        return {"revision": self.revision}

    def read(self, rows: Rows) -> list[Line]:
        """One line per row."""
        return [Line(tuple(row[:-2]), row[-2], int(row[-1])) for row in rows]


@dataclass(frozen=True, slots=True)
class Changed:
    """A line that differs between two revisions; None where there is none."""

    key: tuple[str, ...]
    before: Line | None
    after: Line | None


def difference(before: list[Line], after: list[Line]) -> list[Changed]:
    """Lines that were added, removed or changed, by their keys. Of two lines of one key the last holds."""
    former, latter = ({line.key: line for line in lines} for lines in (before, after))
    keys = sorted(former.keys() | latter.keys())
    changes = (Changed(key, former.get(key), latter.get(key)) for key in keys)
    return [each for each in changes if each.before != each.after]


def _time(milliseconds: int) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def _stored(row: Sequence[Any]) -> StoredRevision:
    places = tuple(Switch(number, offset, _time(received)) for number, offset, received in row[9])
    values: list[Any] = [*row[:7], utc(row[7]), row[8], places]
    return StoredRevision(*values)
