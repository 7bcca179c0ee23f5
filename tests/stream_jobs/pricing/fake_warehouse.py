"""A stand-in for the warehouse's client: keeps what is inserted, and answers the questions of load.py from it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any


class FakeWarehouse:
    """Tables as lists of records. loads: how often the rows of one owner's revision were asked for; rows_read: how many
    rows of prices, multipliers and terms were given."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {
            name: [] for name in ("prices", "multipliers", "terms", "config_revisions")
        }
        self.fails_on = ""
        self.loads = 0
        self.rows_read = 0

    def insert(self, table: str, data: list[list[Any]], *, column_names: list[str]) -> None:
        """Keeps the rows, or dies before the table that `fails_on` names."""
        if table == self.fails_on:
            raise ConnectionError(f"died before {table}")
        self.tables[table].extend(dict(zip(column_names, row, strict=True)) for row in data)

    def query(self, sql: str, parameters: dict[str, Any]) -> Any:
        """The newest or first revision of a kind, the owners of a state, and rows of one owner or of organizations."""
        if "FROM terms" in sql:
            return SimpleNamespace(result_rows=[])
        if sql.startswith("SELECT organization, max(revision)"):
            return SimpleNamespace(result_rows=list(self._owners(parameters).items()))
        if sql.startswith(("SELECT max(revision)", "SELECT min(revision)")):
            found = [number for owner, number in self._revisions(parameters) if not owner or "max" in sql]
            chosen = max(found, default=0) if "max" in sql else min(found, default=0)
            return SimpleNamespace(result_rows=[(chosen,)])
        if "organization = {organization:String}" in sql:
            self.loads += 1
            wanted = {(parameters["organization"], parameters["revision"])}
        else:
            wanted = {owner for owner in self._owners(parameters).items() if owner[0]}
        return SimpleNamespace(named_results=lambda: self._rows(sql, wanted))

    def _revisions(self, parameters: dict[str, Any]) -> Iterable[tuple[str, int]]:
        for row in self.tables["config_revisions"]:
            if row["kind"] == parameters["kind"]:
                yield row.get("organization", ""), row["revision"]

    def _owners(self, parameters: dict[str, Any]) -> dict[str, int]:
        owners: dict[str, int] = {}
        for owner, number in self._revisions(parameters):
            if parameters.get("since", 0) < number <= parameters["state"]:
                owners[owner] = max(owners.get(owner, 0), number)
        return owners

    def _rows(self, sql: str, wanted: set[tuple[str, int]]) -> list[dict[str, Any]]:
        columns = [column.strip() for column in sql.split("SELECT")[1].split("FROM")[0].split(",")]
        table = sql.split("FROM ")[1].split()[0]
        rows = [row for row in self.tables[table] if (row["organization"], row["revision"]) in wanted]
        self.rows_read += len(rows)
        key = "position" if table == "prices" else "model"
        return [_selected(row, columns) for row in sorted(rows, key=lambda row: (row["organization"], row[key]))]


def _selected(row: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    instant: datetime = row["effective_from"].astimezone(UTC)
    known = row | {"toUnixTimestamp(effective_from) AS from_unix_seconds": int(instant.timestamp())}
    return {column.split(" AS ")[-1]: known[column] for column in columns}
