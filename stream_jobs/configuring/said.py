"""Rows with who said them: owners' revisions in the warehouse in, their rows with author, reason and time out."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from clickhouse_connect.driver.client import Client

from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.pricing.load import SOURCES, columns_of
from stream_jobs.pricing.price_row import PriceRow
from warehouse.client import READ_OWN_WRITES, permitted
from warehouse.queries.query import Rows, ask, utc_of_milliseconds

Row = TypeVar("Row", PriceRow, MultiplierRow)


@dataclass(frozen=True, slots=True)
class Said(Generic[Row]):
    """A row, who said it, why and when. It goes from revision to revision as long as the owner says just that."""

    row: Row
    author: str
    note: str
    created: datetime


@dataclass(frozen=True, slots=True)
class SaidRows(Generic[Row]):
    """The rows of owners' revisions: those for everyone first, then by organization, each in its order."""

    row: type[Row]
    owners: Mapping[str, int]
    """Revision by organization."""
    provider: str | None = None
    model: str | None = None
    """Only this model's rows, when both are given."""

    @property
    def sql(self) -> str:
        """The statement. Numbers are given once over all owners, so they find the rows by the sort key."""
        table, order = SOURCES[self.row]
        one = " AND provider = {provider:String} AND model = {model:String}" if self.model is not None else ""
        return (
            f"SELECT {_columns(self.row)} FROM {table} FINAL "
            "WHERE revision IN {revisions:Array(UInt32)} "
            "AND has(arrayZip({organizations:Array(String)}, {revisions:Array(UInt32)}), (organization, revision))"
            f"{one} ORDER BY organization, {order}"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """Owners and model."""
        asked: dict[str, object] = {"organizations": list(self.owners), "revisions": list(self.owners.values())}
        return asked if self.model is None else asked | {"provider": self.provider or "", "model": self.model}

    def read(self, rows: Rows) -> list[Said[Row]]:
        """One row each."""
        return [_said(self.row, *row) for row in rows]


@dataclass(frozen=True, slots=True)
class SaidOfModel(Generic[Row]):
    """What every revision of an owner says of a model: rows by revision, each in their order."""

    row: type[Row]
    organization: str
    provider: str
    model: str

    @property
    def sql(self) -> str:
        """The statement."""
        table, order = SOURCES[self.row]
        return (
            f"SELECT revision, {_columns(self.row)} FROM {table} FINAL WHERE organization = {{organization:String}} "
            f"AND provider = {{provider:String}} AND model = {{model:String}} ORDER BY revision, {order}"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """Owner and model."""
        return {"organization": self.organization, "provider": self.provider, "model": self.model}

    def read(self, rows: Rows) -> dict[int, list[Said[Row]]]:
        """The rows by revision."""
        found: dict[int, list[Said[Row]]] = {}
        for revision, *values in rows:
            found.setdefault(int(revision), []).append(_said(self.row, *values))
        return found


def _columns(row: type[PriceRow] | type[MultiplierRow]) -> str:
    return ", ".join((*columns_of(row), "author", "note", "toUnixTimestamp64Milli(created)"))


def _said(row: type[Row], *values: Any) -> Said[Row]:
    *said, author, note, created_ms = values
    named = dict(zip((each.name for each in fields(row)), said, strict=True))
    named["effective_from"] = datetime.fromtimestamp(named["effective_from"], UTC)
    return Said(row(**named), author, note, utc_of_milliseconds(created_ms))


@dataclass(frozen=True, slots=True)
class Owners:
    """The revision of each owner in a state, in the newest without a number; none when nobody has one of that number.

    organization: only this one beside everyone, "": everyone alone; None: all.
    """

    kind: str
    state: int | None = None
    organization: str | None = None

    @property
    def sql(self) -> str:
        """The statement."""
        until = " AND revision <= {state:UInt32}" if self.state is not None else ""
        return (
            "SELECT organization, max(revision) FROM config_revisions "
            f"WHERE kind = {{kind:String}}{until} GROUP BY organization ORDER BY organization"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """Kind and state."""
        asked: dict[str, object] = {"kind": self.kind}
        return asked if self.state is None else asked | {"state": self.state}

    def read(self, rows: Rows) -> tuple[int, dict[str, int]]:
        """The state's number, 0 when there is no such state, and its owners."""
        owners = {row[0]: int(row[1]) for row in rows}
        newest = max(owners.values(), default=0)
        if "" not in owners or self.state not in (None, newest):
            return 0, {}
        wanted = (owner for owner in owners if self.organization is None or owner in ("", self.organization))
        return newest, {owner: owners[owner] for owner in wanted}


NO_REVISION: Final = 0


def said_in(client: Client, row: type[Row], revision: int, organization: str) -> list[Said[Row]]:
    """The rows of an owner's revision in their order; none for NO_REVISION. Raises WarehouseUnavailable."""
    if revision == NO_REVISION:
        return []
    return ask(client, SaidRows(row, {organization: revision}), permitted(client, READ_OWN_WRITES))
