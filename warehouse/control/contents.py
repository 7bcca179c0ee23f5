"""What revisions say, as it travels with their records: a stored revision in, bytes out, and the revision again.

A warehouse that is set back to a backup lacks what was stored since, and the log names it. So a record that puts a
revision in force carries all of it, and whoever applies the record stores what is missing as it was. That bytes are
what the record means, its hash tells.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from warehouse.client import READ_OWN_WRITES, WRITE_SETTINGS, classified, permitted
from warehouse.control.revisions import COLUMNS, Kind, text_hash
from warehouse.control.storing import TABLES, Record, owned_rows, rows_hash, text_of

MAX_UNPACKED: Final = 1 << 26
"""Bytes; a price list of 8,000 rows has some three million."""
_INSERTING: Final = {**WRITE_SETTINGS, "date_time_input_format": "best_effort"}
_ENTRIES = """
    SELECT organization, content_hash, content, author, note, source, created FROM config_revisions FINAL
    WHERE kind = {kind:String} AND revision = {revision:UInt32} ORDER BY organization
"""


@dataclass(frozen=True, slots=True)
class Named:
    """A revision as a record names it. organization: "" for everyone."""

    kind: Kind
    organization: str
    revision: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class Content:
    """All of a revision: its entry, and its rows by table (of a calendar none)."""

    entry: Record
    tables: Mapping[str, Sequence[Record]]

    @property
    def hash(self) -> str:
        """SHA-256 of what it says."""
        return rows_hash(self.tables) if self.tables else text_hash(self.entry["content"])

    def packed(self) -> bytes:
        """The bytes that travel with the record."""
        said = {"entry": self.entry, "tables": self.tables}
        return zlib.compress(json.dumps(said, ensure_ascii=False, default=text_of).encode())


def unpacked(packed: bytes) -> Content:
    """The content that was packed. Raises ValueError when it is none."""
    inflated = zlib.decompressobj()
    try:
        text = inflated.decompress(packed, MAX_UNPACKED)
        if not inflated.eof:
            raise ValueError(f"the content is cut off, or has more than {MAX_UNPACKED} bytes")
        said = json.loads(text)
        return Content(dict(said["entry"]), {name: list(rows) for name, rows in said["tables"].items()})
    except (zlib.error, UnicodeDecodeError, TypeError, KeyError, AttributeError) as problem:
        raise ValueError(f"the content cannot be read: {problem}") from problem


def stored_content(client: Client, named: Named) -> Content | None:
    """The revision as the warehouse has it; None when it has not, or another one, or not all of it.

    Raises WarehouseUnavailable and WarehouseRefused.
    """
    entries = _entries(client, named)
    mine = [entry for entry in entries if (entry["organization"], entry["content_hash"]) == _owner(named)]
    if not mine:
        return None
    tables = TABLES.get(named.kind, ())
    found = Content(mine[0], {name: owned_rows(client, name, named.organization, named.revision) for name in tables})
    return found if found.hash == named.content_hash else None


def put_back(client: Client, named: Named, content: Content) -> bool:
    """Stores the revision again; False when it is not the one that is named, or another one has its number.

    The entry comes last, so that the revision exists whole or not at all. Raises WarehouseUnavailable and
    WarehouseRefused.
    """
    if content.hash != named.content_hash or set(content.tables) != set(TABLES.get(named.kind, ())):
        return False
    if any((entry["organization"], entry["content_hash"]) != _owner(named) for entry in _entries(client, named)):
        return False
    for table, rows in content.tables.items():
        _insert(client, table, [{"revision": named.revision, **row} for row in rows])
    entry = {name: content.entry[name] for name in COLUMNS if name in content.entry}
    meant = {"kind": named.kind, "organization": named.organization, "revision": named.revision}
    _insert(client, "config_revisions", [entry | meant | {"content_hash": named.content_hash}])
    return True


def _owner(named: Named) -> tuple[str, str]:
    return named.organization, named.content_hash


def _entries(client: Client, named: Named) -> list[dict[str, Any]]:
    """Entries of that number; calendars have a counter for each organisation."""
    asked = {"kind": named.kind, "revision": named.revision}
    try:
        found = client.query(_ENTRIES, parameters=asked, settings=permitted(client, READ_OWN_WRITES)).named_results()
        entries = [dict(each) for each in found]
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    if named.kind == "calendar":
        return [entry for entry in entries if entry["organization"] == named.organization]
    return entries


def _insert(client: Client, table: str, rows: Sequence[Record]) -> None:
    if not rows:
        return
    lines = "\n".join(json.dumps(row, ensure_ascii=False, default=text_of) for row in rows).encode()
    try:
        client.raw_insert(
            table,
            column_names=list(rows[0]),
            insert_block=lines,
            settings=permitted(client, _INSERTING),
            fmt="JSONEachRow",
        )
    except (Error, OSError) as failure:
        raise classified(failure) from failure
