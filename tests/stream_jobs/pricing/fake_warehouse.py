"""A stand-in for the warehouse's client: keeps what is inserted, and answers the questions of load.py from it."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any


class FakeWarehouse:
    """Tables as lists of records."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {"prices": [], "multipliers": [], "config_revisions": []}
        self.fails_on = ""

    def insert(self, table: str, data: list[list[Any]], *, column_names: list[str]) -> None:
        """Keeps the rows, or dies before the table that `fails_on` names."""
        if table == self.fails_on:
            raise ConnectionError(f"died before {table}")
        self.tables[table].extend(dict(zip(column_names, row, strict=True)) for row in data)

    def query(self, sql: str, parameters: dict[str, Any]) -> Any:
        """The newest revision of a kind, or all rows of one revision."""
        if "max(revision)" in sql:
            revisions = [r["revision"] for r in self.tables["config_revisions"] if r["kind"] == parameters["kind"]]
            return SimpleNamespace(result_rows=[(max(revisions, default=0),)])
        table = sql.split("FROM ")[1].split()[0]
        columns = [column.strip() for column in sql.split("SELECT")[1].split("FROM")[0].split(",")]
        rows = [row for row in self.tables[table] if row["revision"] == parameters["revision"]]
        key = "position" if table == "prices" else "model"
        ordered = sorted(rows, key=lambda row: row[key])
        return SimpleNamespace(named_results=lambda: [_selected(row, columns) for row in ordered])


def _selected(row: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    instant: datetime = row["effective_from"].astimezone(UTC)
    known = row | {"toUnixTimestamp(effective_from) AS from_unix_seconds": int(instant.timestamp())}
    return {column.split(" AS ")[-1]: known[column] for column in columns}
