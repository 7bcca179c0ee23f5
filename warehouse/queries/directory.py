"""The directory: what is called how at a moment, what was said about one entry, names of ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warehouse.directory.changes import Entry
from warehouse.directory.entry import KINDS, SAID, STATES, Key, Kind, Said, State, Statement
from warehouse.queries.query import Rows, milliseconds, utc

STATEMENT = f"organization, kind, entity_id, effective_from, {', '.join(SAID)}, attributes, created"
"""The columns that `statement_of` reads."""
DIMENSION_KINDS: Mapping[str, Kind] = {
    "organization": Kind.ORGANIZATION,
    "department": Kind.DEPARTMENT,
    "project": Kind.PROJECT,
    "user_id": Kind.USER,
    "customer_id": Kind.CUSTOMER,
    "feature": Kind.FEATURE,
    "prompt_id": Kind.PROMPT,
    "api_key_id": Kind.API_KEY,
}
"""Dimensions of usage whose values are ids in the directory."""
NAMED_DIMENSIONS = frozenset(DIMENSION_KINDS)
_TEXTS = ("department", "email", "role", "plan")


def statement_of(row: Sequence[Any]) -> Statement:
    """A row of the columns in STATEMENT."""
    key = Key(row[0], KINDS[row[1]], row[2])
    name, department, email, role, plan, state = row[4:10]
    said = Said(name, department, email, role, plan, STATES[state] if state else None, row[10])
    return Statement(key, utc(row[3]), said, utc(row[11]))


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries: of one organisation (None: of all), of a kind, in a state, with a text in the id or name."""

    organization: str | None = None
    kind: Kind | None = None
    state: State | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class DirectoryEntries:
    """The entries as they hold at a moment, by organisation, kind and id; after: those behind this one."""

    which: EntryFilter
    at: datetime
    limit: int = 100
    after: tuple[str, str, str] | None = None

    @property
    def sql(self) -> str:
        """The statement: of each value the newest that was said, attributes name by name."""
        which = self.which
        where = [
            "effective_from <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')",
            "organization = {organization:String}" if which.organization is not None else "",
            f"kind = '{which.kind}'" if which.kind else "",
            "(organization, toString(kind), entity_id) > ({after_organization:String}, {after_kind:String}, "
            "{after_id:String})"
            if self.after
            else "",
        ]
        having = [
            "now_state = {state:String}" if which.state else "",
            "positionCaseInsensitiveUTF8(concatWithSeparator('\\n', entity_id, now_name), {search:String}) > 0"
            if which.search
            else "",
        ]
        kept = " AND ".join(filter(None, having))
        texts = "".join(f"    ifNull(argMax({name}, effective_from), ''),\n" for name in _TEXTS)
        return f"""SELECT
    organization, kind, entity_id,
    ifNull(argMax(display_name, effective_from), entity_id) AS now_name,
{texts}    ifNull(toString(argMax(state, effective_from)), 'active') AS now_state,
    arrayFold(
        (merged, said) -> mapUpdate(merged, said),
        arrayMap(one -> one.2, arraySort(one -> one.1, groupArray((effective_from, attributes)))),
        CAST(map(), 'Map(String, String)')
    ),
    max(effective_from)
FROM directory_entries FINAL
WHERE {" AND ".join(filter(None, where))}
GROUP BY organization, kind, entity_id
{f"HAVING {kept}" if kept else ""}
ORDER BY organization, toString(kind), entity_id LIMIT {{limit:UInt64}}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Moment, filters and page."""
        values: dict[str, object] = {"at_ms": milliseconds(self.at), "limit": self.limit}
        if self.which.organization is not None:
            values["organization"] = self.which.organization
        if self.which.state:
            values["state"] = str(self.which.state)
        if self.which.search:
            values["search"] = self.which.search
        if self.after:
            names = ("after_organization", "after_kind", "after_id")
            values |= dict(zip(names, self.after, strict=True))
        return values

    def read(self, rows: Rows) -> list[Entry]:
        """One entry per row."""
        return [_entry(row) for row in rows]


def _entry(row: Sequence[Any]) -> Entry:
    attributes = {name: value for name, value in sorted(row[9].items()) if value}
    organization, kind, entity_id, name, department, email, role, plan, state, _, since = row
    key = Key(organization, Kind(kind), entity_id)
    return Entry(key, name, department, email, role, plan, State(state), attributes, utc(since))


@dataclass(frozen=True, slots=True)
class Remark:
    """A statement with who made it: `source` is api, csv, cli or event."""

    statement: Statement
    author: str
    source: str


@dataclass(frozen=True, slots=True)
class EntryHistory:
    """All that was said about one entry, by the moment it holds from."""

    key: Key

    @property
    def sql(self) -> str:
        """The statement."""
        return f"""SELECT {STATEMENT}, author, source
FROM directory_entries FINAL
WHERE organization = {{organization:String}} AND kind = '{self.key.kind}' AND entity_id = {{id:String}}
ORDER BY effective_from"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The entry."""
        return {"organization": self.key.organization, "id": self.key.id}

    def read(self, rows: Rows) -> list[Remark]:
        """One statement per row."""
        return [Remark(statement_of(row), row[12], row[13]) for row in rows]


@dataclass(frozen=True, slots=True)
class Statements:
    """Everything that was said, in the order of the key: a page of it, after one entry and moment."""

    organization: str | None = None
    kind: Kind | None = None
    limit: int = 10_000
    after: Statement | None = None

    @property
    def sql(self) -> str:
        """The statement."""
        where = [
            "organization = {organization:String}" if self.organization is not None else "",
            f"kind = '{self.kind}'" if self.kind else "",
            "(organization, toString(kind), entity_id, effective_from) > ({after_organization:String}, "
            "{after_kind:String}, {after_id:String}, fromUnixTimestamp64Milli({after_ms:Int64}, 'UTC'))"
            if self.after
            else "",
        ]
        text = " AND ".join(filter(None, where))
        return f"""SELECT {STATEMENT}
FROM directory_entries FINAL {f"WHERE {text}" if text else ""}
ORDER BY organization, toString(kind), entity_id, effective_from LIMIT {{limit:UInt64}}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Filters and page."""
        values: dict[str, object] = {"limit": self.limit}
        if self.organization is not None:
            values["organization"] = self.organization
        if self.after:
            names = ("after_organization", "after_kind", "after_id")
            values |= dict(zip(names, map(str, self.after.key), strict=True))
            values["after_ms"] = milliseconds(self.after.effective_from)
        return values

    def read(self, rows: Rows) -> list[Statement]:
        """One statement per row."""
        return [statement_of(row) for row in rows]


@dataclass(frozen=True, slots=True)
class DisplayNames:
    """Names for people of some values of a dimension, at a moment; values without a name are left out.

    All organisations together (None): left out too where two of them call an id differently.
    """

    dimension: str
    organization: str | None
    values: Sequence[str]
    at: datetime

    @property
    def sql(self) -> str:
        """The statement."""
        only = " AND organization = {organization:String}" if self.organization is not None else ""
        past = "effective_from <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')"
        return f"""SELECT entity_id, any(name)
FROM
(
    SELECT organization, entity_id, ifNull(argMax(display_name, effective_from), entity_id) AS name
    FROM directory_entries FINAL
    WHERE kind = '{DIMENSION_KINDS[self.dimension]}' AND entity_id IN {{values:Array(String)}} AND {past}{only}
    GROUP BY organization, entity_id
)
GROUP BY entity_id
HAVING uniqExact(name) = 1"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Values, moment and organisation."""
        values: dict[str, object] = {"values": list(self.values), "at_ms": milliseconds(self.at)}
        return values if self.organization is None else {**values, "organization": self.organization}

    def read(self, rows: Rows) -> dict[str, str]:
        """The name of each value that has one."""
        return {row[0]: row[1] for row in rows}
