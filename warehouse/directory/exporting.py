"""Exports the directory: what is stored in, a file out that imports again; changes of calendars are not in it."""

from collections.abc import Iterator, Sequence
from typing import TextIO

from clickhouse_connect.driver.client import Client

from warehouse.directory.csv_file import cells, organization_cells, written
from warehouse.directory.entry import Kind, Statement
from warehouse.organizations import first_calendars, listed
from warehouse.queries.directory import Statements
from warehouse.queries.query import ask


def exported(client: Client, file: TextIO, organization: str | None = None, kind: Kind | None = None) -> int:
    """Writes every statement with its time, before them the first calendars of registered organisations (without
    `kind`, or for theirs); returns how many lines.

    Raises WarehouseUnavailable and WarehouseRefused.
    """

    def rows() -> Iterator[list[str]]:
        if kind in (None, Kind.ORGANIZATION):
            first = first_calendars(client, organization or "")
            for known in listed(client, organization or ""):
                if known.registered:
                    yield list(organization_cells(known.name, *first.get(known.name, known.calendar)))
        for statement in _statements(client, organization, kind):
            yield list(cells(statement))

    return written(rows(), file)


def left_out(client: Client, organization: str | None = None, kind: Kind | None = None) -> Sequence[str]:
    """The organisations whose calendars change after the first one, which `exported` does not write."""
    return list(first_calendars(client, organization or "")) if kind in (None, Kind.ORGANIZATION) else []


def _statements(client: Client, organization: str | None, kind: Kind | None) -> Iterator[Statement]:
    after: Statement | None = None
    while page := ask(client, Statements(organization, kind, after=after)):
        yield from page
        after = page[-1]
