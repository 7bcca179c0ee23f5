"""Raw events in several versions and void ones are one event each, wherever they are counted or found."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.engine import Engine
from warehouse.queries.query import ask
from warehouse.queries.reconcile.cures import CURES
from warehouse.queries.reconcile.homes import OneHome
from warehouse.queries.reconcile.identities import AT_POSITIONS, IN_LOOKUP, IdentitiesOf
from warehouse.queries.reconcile.part import Cut
from warehouse.queries.traced import CountedEvents

pytestmark = pytest.mark.integration
TIME = datetime(2026, 3, 1, 12, tzinfo=UTC)
SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
COLUMNS = ("organization", "time", "event_id", "src_partition", "src_offset", "control_offset", "void", "source_id")
EVENTS = {1: (3, 10), 2: (3, 11), 3: (4, 5)}
"""Log partition and offset by number: 3 is at home, 4 is not."""
VERSIONS = [(1, 0, 0), (2, 0, 0), (2, 40, 1), (3, 0, 0), (3, 50, 0), (3, 60, 0), (3, 70, 0)]
"""Number, version and whether it is void."""


@pytest.fixture
def client(engine: Engine) -> Iterator[Client]:
    with engine.database() as (client, _):
        client.command("SYSTEM STOP MERGES usage_raw")
        for number, version, void in VERSIONS:
            row = ("acme", TIME, UUID(int=number), *EVENTS[number], version, void, f"key {number}")
            client.insert("usage_raw", [row], column_names=COLUMNS)
        yield client


def test_the_home_of_an_organization_is_where_most_events_are_not_most_versions(client: Client) -> None:
    (stranger,) = ask(client, OneHome()).differences
    assert (stranger.partition, stranger.period, stranger.stored) == (4, "home 3", {"events": 1})


def test_ids_are_filled_again_with_those_of_void_events(client: Client) -> None:
    for check, table in ((IN_LOOKUP, "event_id_lookup"), (AT_POSITIONS, "event_id_log")):
        client.command(f"TRUNCATE TABLE {table}")
        client.command(CURES[check].partition("again: ")[2].partition(";")[0])
        ids = client.query(f"SELECT toUInt128(event_id) FROM {table} FINAL ORDER BY 1").result_rows
        assert [row[0] for row in ids] == [1, 2, 3]
    cut = Cut({3: 100, 4: 100})
    stored = [ask(client, IdentitiesOf(table, cut, SINCE, UNTIL)) for table in ("usage_raw", "event_id_lookup")]
    assert stored[0] == stored[1]
    assert {number: sums[0] for number, sums in stored[0].items()} == {3: 2, 4: 1}


def test_an_event_is_traced_as_its_newest_version(client: Client) -> None:
    for asked in (CountedEvents(UUID(int=3), ""), CountedEvents(None, "key 3"), CountedEvents(UUID(int=3), "", "acme")):
        assert [(event.control_offset, event.void) for event in ask(client, asked)] == [(70, False)]
    assert [(event.control_offset, event.void) for event in ask(client, CountedEvents(None, "key 2"))] == [(40, True)]
