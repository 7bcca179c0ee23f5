"""Exports the directory: what is stored in, a file out that says all of it and imports again."""

from collections.abc import Iterator
from typing import TextIO

from clickhouse_connect.driver.client import Client

from warehouse.directory.csv_file import cells, organization_cells, written
from warehouse.directory.entry import Kind, Statement
from warehouse.organizations import listed
from warehouse.queries.directory import Statements
from warehouse.queries.query import ask


def exported(client: Client, file: TextIO, organization: str | None = None, kind: Kind | None = None) -> int:
    """Writes every statement with its time, the calendars of registered organisations first (without `kind`, or for
    theirs); returns how many lines.

    Raises WarehouseUnavailable and WarehouseRefused.
    """

    def rows() -> Iterator[list[str]]:
        for known in listed(client, organization or "") if kind in (None, Kind.ORGANIZATION) else ():
            if known.registered:
                yield list(organization_cells(known))
        for statement in _statements(client, organization, kind):
            yield list(cells(statement))

    return written(rows(), file)


def _statements(client: Client, organization: str | None, kind: Kind | None) -> Iterator[Statement]:
    after: Statement | None = None
    while page := ask(client, Statements(organization, kind, after=after)):
        yield from page
        after = page[-1]
