"""Acknowledged events that were voided or erased are not missing; what only looks like them is."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.deduplication.tombstones import Tombstones
from tests.warehouse.engine import Engine
from warehouse.queries.reconcile.acknowledged import Acknowledgement, against_raw
from warehouse.queries.reconcile.part import Cut

pytestmark = pytest.mark.integration
TIME = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = Tombstones(lambda: b"the key of sixteen or more bytes")
CUT = Cut({3: 100, 1028: 100})


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[Client]:
    """acme: 1 as it was sent, 2 void in two versions, 3 erased."""
    with engine.database() as (client, _):
        client.command("SYSTEM STOP MERGES usage_raw")
        raw = ("organization", "time", "event_id", "src_partition", "src_offset", "control_offset", "void")
        for row in ((1, 10, 0, 0), (2, 11, 0, 0), (2, 11, 50, 1)):
            number, offset, version, void = row
            client.insert("usage_raw", [("acme", TIME, UUID(int=number), 3, offset, version, void)], column_names=raw)
        names = ("organization", "time", "id_hash", "src_partition", "src_offset")
        buried = UUID(bytes=KEY.hashed("acme", UUID(int=3).bytes))
        client.insert("tombstones", [("acme", TIME, buried, 3, 12)], column_names=names)
        yield client


def sent(number: int, offset: int, organization: str = "acme", partition: int = 3) -> Acknowledgement:
    return Acknowledgement(organization, UUID(int=number), partition, offset)


def missing(client: Client, *acknowledged: Acknowledgement) -> list[tuple[str, int]]:
    comparison, _ = against_raw(client, acknowledged, CUT, KEY.hashed)
    return [(found.organization, UUID(found.dimensions["event_id"]).int) for found in comparison.differences]


def test_stored_void_and_erased_events_and_their_copies_are_there(client: Client) -> None:
    assert missing(client, sent(1, 10), sent(2, 11), sent(3, 12), sent(3, 40), sent(2, 30)) == []


def test_what_stands_elsewhere_is_missing(client: Client) -> None:
    assert missing(client, sent(3, 11)) == [("acme", 3)]
    assert missing(client, sent(3, 12, partition=4)) == [("acme", 3)]
    assert missing(client, sent(3, 12, organization="zen")) == [("zen", 3)]
    assert missing(client, sent(4, 12)) == [("acme", 4)]


def test_without_the_key_erased_events_are_missing(client: Client) -> None:
    comparison, _ = against_raw(client, [sent(3, 12)], CUT)
    assert comparison.differing == 1
