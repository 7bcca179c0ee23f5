"""Asks how far control records are: two questions in a row, by any way of asking the warehouse."""

from collections.abc import Iterator
from dataclasses import replace

from clickhouse_connect.driver.client import Client

from warehouse.control.records import Followed, RecordPosition, Records, Standings
from warehouse.control.standing import State
from warehouse.errors import NoSuchRecord
from warehouse.queries.query import ask

PAGE = 200


def followed(client: Client, control_id: str) -> Followed:
    """One record with its body. Raises NoSuchRecord."""
    found = ask(client, Records(control_id))
    if not found:
        raise NoSuchRecord(f"there is no control record {control_id}; ./tally control list shows those there are")
    return ask(client, Standings(found))[0]


def newest(client: Client, which: Records, state: State | None = None) -> Iterator[Followed]:
    """Records of `which`, newest first, read page after page; `which.limit` is that of a page."""
    page = replace(which, limit=PAGE)
    while found := ask(client, page):
        yield from (each for each in ask(client, Standings(found)) if state in (None, each.state))
        if len(found) < PAGE:
            return
        page = replace(page, after=RecordPosition(found[-1].created, found[-1].control_id))
