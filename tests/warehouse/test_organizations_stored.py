"""Registering in the real table: what is written is what is read, by people and by workers."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.embedded.running_warehouse import RunningWarehouse
from warehouse.errors import CalendarInUse
from warehouse.migrate import migrate
from warehouse.organizations import Organization, described, listed, register

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    running = RunningWarehouse(tmp_path_factory.mktemp("organizations")).start()
    made = running.client(autogenerate_session_id=False)
    migrate(made, "tokentally")
    yield made
    made.close()
    running.end()


def on_sight(client: Client, name: str, *, used: bool) -> None:
    """What a worker writes when an event names an organisation that nobody registered."""
    client.insert(
        "organizations",
        [[name, datetime(1970, 1, 1, tzinfo=UTC), "UTC", 1, name, 0, "worker"]],
        column_names=[
            *("organization", "effective_from", "time_zone", "week_start"),
            *("display_name", "registered", "author"),
        ],
    )
    if used:
        client.command(
            f"INSERT INTO usage_raw (organization, time, event_id) VALUES ('{name}', now64(3), generateUUIDv4())"
        )


def test_a_registered_organization_is_listed_and_registering_again_writes_nothing(client: Client) -> None:
    acme = described("acme", "Europe/Paris", "sunday", "Acme \\ 'Robotics'")
    assert register(client, acme, "test")
    assert listed(client, "acme") == [Organization("acme", "Europe/Paris", 7, "Acme \\ 'Robotics'")]
    assert not register(client, acme, "test")
    assert client.query(
        "SELECT effective_from = 0, author FROM organizations WHERE organization = 'acme'"
    ).result_rows == [(True, "test")]


def test_one_created_on_sight_becomes_registered(client: Client) -> None:
    on_sight(client, "seen", used=True)
    assert listed(client, "seen")[0].registered is False
    assert register(client, described("seen", "UTC", "monday"), "test")
    assert listed(client, "seen") == [Organization("seen", "UTC", 1, "seen")]


def test_another_zone_is_refused_with_usage_and_taken_without(client: Client) -> None:
    on_sight(client, "busy", used=True)
    on_sight(client, "idle", used=False)
    with pytest.raises(CalendarInUse, match="busy has usage"):
        register(client, described("busy", "Asia/Tokyo", "monday"), "test")
    assert register(client, described("idle", "Asia/Tokyo", "monday"), "test")
    assert [organization.time_zone for organization in (*listed(client, "busy"), *listed(client, "idle"))] == [
        "UTC",
        "Asia/Tokyo",
    ]
