"""The stored statements of the directory: keys in, their histories out; wishes in, what they did and new rows out."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error
from clickhouse_connect.driver.external import ExternalData

from warehouse.client import WRITE_SETTINGS, classified, permitted
from warehouse.directory.changes import Decision, History, added, all_decided
from warehouse.directory.entry import SAID, Key, Statement, Wish
from warehouse.queries.directory import STATEMENT, statement_of

TABLE = "directory_entries"
COLUMNS = (
    *("organization", "kind", "entity_id", "effective_from"),
    *SAID,
    *("attributes", "author", "source", "created"),
)
_ASKED = ["organization String", "kind String", "entity_id String"]
_HISTORIES = f"""SELECT {STATEMENT}
FROM {TABLE} FINAL
WHERE (organization, toString(kind), entity_id) IN (SELECT organization, kind, entity_id FROM asked)
    AND organization IN (SELECT organization FROM asked) AND entity_id IN (SELECT entity_id FROM asked)
ORDER BY organization, kind, entity_id, effective_from"""


class Ledger(Protocol):
    """Where statements are."""

    def histories(self, keys: Collection[Key]) -> dict[Key, History]:
        """What was said about each; entries about which nothing was said are left out."""

    def write(self, statements: Sequence[Statement], author: str, source: str) -> None:
        """Stores them; a statement for the same entry and moment replaces the one before it."""


class StoredLedger:
    """The table. Every method raises WarehouseUnavailable (the same again does no harm) or WarehouseRefused."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def histories(self, keys: Collection[Key]) -> dict[Key, History]:
        """One question, however many keys: they travel as a table of their own."""
        if not keys:
            return {}
        rows = "\n".join(json.dumps([key.organization, key.kind, key.id]) for key in keys)
        asked = ExternalData(file_name="asked", data=rows.encode(), fmt="JSONCompactEachRow", structure=_ASKED)
        try:
            answer = self._client.query(_HISTORIES, external_data=asked).result_rows
        except (Error, OSError) as failure:
            raise classified(failure) from failure
        found: dict[Key, list[Statement]] = defaultdict(list)
        for row in answer:
            statement = statement_of(row)
            found[statement.key].append(statement)
        return dict(found)

    def write(self, statements: Sequence[Statement], author: str, source: str) -> None:
        """One insert."""
        if not statements:
            return
        rows = [
            [*each.key[:2], each.key.id, each.effective_from]
            + [getattr(each.said, name) for name in SAID]
            + [dict(each.said.attributes), author, source, each.created]
            for each in statements
        ]
        try:
            self._client.insert(TABLE, rows, column_names=COLUMNS, settings=permitted(self._client, WRITE_SETTINGS))
        except (Error, OSError) as failure:
            raise classified(failure) from failure


class Rehearsal:
    """A ledger that remembers what would be written over another one, and writes nothing."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._said: dict[Key, list[Statement]] = defaultdict(list)

    def histories(self, keys: Collection[Key]) -> dict[Key, History]:
        """What is stored, with what would have been written since."""
        found = self._ledger.histories(keys)
        for key in keys:
            for statement in self._said.get(key, ()):
                found[key] = added(found.get(key, ()), statement)
        return found

    def write(self, statements: Sequence[Statement], author: str, source: str) -> None:  # noqa: ARG002
        """Remembers."""
        for statement in statements:
            self._said[statement.key].append(statement)


def carry_out(
    ledger: Ledger, wishes: Iterable[Wish], now: datetime, author: str, source: str
) -> Sequence[tuple[Wish, Decision]]:
    """What each wish did, one after the other; all statements are stored by one insert.

    source: api, csv, cli or event.
    """
    wishes = list(wishes)
    decisions = all_decided(wishes, ledger.histories({wish.key for wish in wishes}), now)
    newest = {
        (decision.statement.key, decision.statement.effective_from): decision.statement
        for _, decision in decisions
        if decision.statement
    }
    ledger.write(list(newest.values()), author, source)
    return decisions
