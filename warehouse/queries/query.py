"""The shape of every question: a value with SQL and parameters goes in, a typed answer comes out of its own rows."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from warehouse.client import classified

Answer = TypeVar("Answer", covariant=True)
Rows = Sequence[Sequence[Any]]


class Query(Protocol[Answer]):
    """A question to the warehouse. Values travel as parameters bound by the server, never inside the text."""

    @property
    def sql(self) -> str:
        """The statement, with placeholders like {organization:String}."""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The value of each placeholder."""

    def read(self, rows: Rows) -> Answer:
        """The rows of the answer as typed values."""


def ask(client: Client, query: Query[Answer], settings: Mapping[str, object] | None = None) -> Answer:
    """The answer of the warehouse to a question; `settings` are those of ClickHouse for this statement.

    Raises WarehouseUnavailable (ask again later) or WarehouseRefused (the question is wrong).
    """
    try:
        rows = client.query(query.sql, parameters=dict(query.parameters), settings=dict(settings or {})).result_rows
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    return query.read(rows)


def utc(instant: datetime) -> datetime:
    """An instant of the warehouse with its zone: the driver gives UTC without saying so."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def utc_of_milliseconds(unix_ms: int) -> datetime:
    """Unix milliseconds as an aware instant, exact. Raises OverflowError beyond what a date can be."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=unix_ms)


def milliseconds(instant: datetime) -> int:
    """An aware instant as Unix milliseconds, exact: parameters carry instants as integers."""
    whole = int(instant.replace(microsecond=0).timestamp())
    return whole * 1000 + instant.microsecond // 1000
