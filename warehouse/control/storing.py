"""Stores revisions of prices and multipliers: all rows of one owner in, a numbered revision that exists whole out.

Each kind has one counter over the whole installation, whoever a revision belongs to ("": everyone). Nothing stored is
ever edited. The rows come first and the entry in `config_revisions` last, so that a revision exists whole or not at
all; a number that somebody began with and died is never used again, so that no two revisions mix.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from warehouse.client import READ_OWN_WRITES, WRITE_SETTINGS, classified, permitted
from warehouse.control.revisions import Revision
from warehouse.errors import StoredMeanwhile
from warehouse.queries.query import utc

Kind = Literal["prices", "multipliers"]
Record = Mapping[str, Any]
"""One row by column, without its revision."""
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "prices": ("prices",),
    "multipliers": ("multipliers", "terms"),
}
"""What a revision of each kind consists of: all rows of its owner in these tables."""
_REVISION_COLUMNS: Final = ("kind", "organization", "revision", "content_hash", "author", "note", "source", "created")
_COUNTER = "SELECT max(revision) FROM config_revisions WHERE kind = {kind:String}"
_BEGUN = f"SELECT max(revision) FROM {{table}} WHERE revision >= ({_COUNTER.replace('{', '{{').replace('}', '}}')})"
_OWNED = "FROM {table} FINAL WHERE revision = {{revision:UInt32}} AND organization = {{organization:String}}"
_ENTRIES = """
    SELECT groupUniqArray((organization, content_hash)) FROM config_revisions
    WHERE kind = {kind:String} AND revision = {revision:UInt32}
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision that is to be stored: what its owner's rows are, by table, and who says so."""

    kind: Kind
    organization: str
    tables: Mapping[str, Sequence[Record]]
    author: str
    note: str
    source: str


def rows_hash(tables: Mapping[str, Sequence[Record]]) -> str:
    """SHA-256 of what the rows of one or several tables say, whenever they were written and in whatever order.

    The same for rows that are to be stored, that were read again, and that came as JSON.
    """
    said = {
        table: sorted(json.dumps(_said(record), sort_keys=True) for record in records)
        for table, records in tables.items()
        if records
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def store(client: Client, draft: Draft, now: datetime) -> Revision:
    """Stores a draft under the next number. Its caller keeps others from storing meanwhile.

    Raises StoredMeanwhile when somebody stored under the same number all the same, WarehouseUnavailable.
    """
    number = _next_number(client, draft.kind)
    asked = {"kind": draft.kind, "revision": number, "organization": draft.organization}
    for table, records in draft.tables.items():
        _insert(client, table, [{"revision": number, **record} for record in records])
    hashed = rows_hash(draft.tables)
    stored = {table: owned_rows(client, table, draft.organization, number) for table in draft.tables}
    if rows_hash(stored) != hashed:
        raise _taken(draft.kind, number)
    values = (draft.kind, draft.organization, number, hashed, draft.author, draft.note, draft.source, now)
    _insert(client, "config_revisions", [dict(zip(_REVISION_COLUMNS, values, strict=True))])
    if list(_answered(client, _ENTRIES, asked)[0][0]) != [(draft.organization, hashed)]:
        raise _taken(draft.kind, number)
    return Revision(draft.kind, draft.organization, number, hashed, {})


def other_tables(client: Client, kind: Kind, organization: str, revision: int, table: str) -> dict[str, list[Record]]:
    """The rows of an owner's revision in the kind's tables other than this one: they are stored again as they are."""
    return {other: owned_rows(client, other, organization, revision) for other in TABLES[kind] if other != table}


def owned_rows(client: Client, table: str, organization: str, revision: int) -> list[Record]:
    """The rows of an owner's revision as they are stored, without its number. Raises WarehouseUnavailable."""
    asked = {"revision": revision, "organization": organization}
    return [
        {name: _aware(value) for name, value in row.items() if name != "revision"}
        for row in _named(client, f"SELECT * {_OWNED}".format(table=table), asked)
    ]


def text_of(value: Any) -> str:
    """The one text of a value, however a row holds it: numbers without zeros at their end, times in UTC."""
    if isinstance(value, datetime):
        return utc(value).isoformat()
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def _said(record: Record) -> dict[str, str]:
    return {key: text_of(value) for key, value in record.items() if key not in ("created", "revision")}


def _next_number(client: Client, kind: Kind) -> int:
    taken = [_answered(client, _COUNTER, {"kind": kind})[0][0]]
    taken += [_answered(client, _BEGUN.format(table=table), {"kind": kind})[0][0] for table in TABLES[kind]]
    return max(map(int, taken)) + 1


def _aware(value: Any) -> Any:
    return utc(value) if isinstance(value, datetime) else value


def _taken(kind: Kind, number: int) -> StoredMeanwhile:
    return StoredMeanwhile(f"{kind} revision {number} was stored by somebody else meanwhile: ask again")


def _insert(client: Client, table: str, records: Sequence[Record]) -> None:
    if not records:
        return
    columns = list(records[0])
    rows = [[record[column] for column in columns] for record in records]
    try:
        client.insert(table, rows, column_names=columns, settings=permitted(client, WRITE_SETTINGS))
    except (Error, OSError) as failure:
        raise classified(failure) from failure


def _answered(client: Client, sql: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    rows: Sequence[Sequence[Any]] = _asked(client, sql, parameters).result_rows
    return rows


def _named(client: Client, sql: str, parameters: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    return list(_asked(client, sql, parameters).named_results())


def _asked(client: Client, sql: str, parameters: Mapping[str, Any]) -> Any:
    try:
        return client.query(sql, parameters=dict(parameters), settings=permitted(client, READ_OWN_WRITES))
    except (Error, OSError) as failure:
        raise classified(failure) from failure
