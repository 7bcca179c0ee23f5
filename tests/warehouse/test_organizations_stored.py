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


def changed_calendar(client: Client, name: str, since: datetime, time_zone: str) -> None:
    """What a worker writes when a control record changes the calendar from a moment on."""
    client.insert(
        "organizations",
        [[name, since, time_zone, 7, "", 1, "ada"]],
        column_names=[
            *("organization", "effective_from", "time_zone", "week_start"),
            *("display_name", "registered", "author"),
        ],
    )


def rows_of(client: Client, name: str) -> list[tuple[str, int, str]]:
    answer = client.query(
        "SELECT toString(time_zone), week_start, display_name FROM organizations FINAL "
        "WHERE organization = {name:String} ORDER BY effective_from",
        parameters={"name": name},
    )
    return [tuple(row) for row in answer.result_rows]


def test_a_new_name_leaves_the_past_in_its_calendar(client: Client) -> None:
    register(client, described("moved", "Europe/Paris", "monday", "Moved"), "test")
    changed_calendar(client, "moved", datetime(2026, 1, 1, tzinfo=UTC), "Asia/Tokyo")
    assert listed(client, "moved") == [Organization("moved", "Asia/Tokyo", 7, "Moved")], "the calendar says no name"
    assert register(client, described("moved", "Asia/Tokyo", "sunday", "Moved KK"), "test")
    assert rows_of(client, "moved") == [("Europe/Paris", 1, "Moved KK"), ("Asia/Tokyo", 7, "")]
    assert listed(client, "moved") == [Organization("moved", "Asia/Tokyo", 7, "Moved KK")]
    with pytest.raises(CalendarInUse, match="organizations calendar"):
        register(client, described("moved", "Europe/Paris", "monday"), "test")


def test_a_calendar_of_the_future_is_not_in_force(client: Client) -> None:
    register(client, described("moving", "Europe/Paris", "monday", "Moving"), "test")
    changed_calendar(client, "moving", datetime(2100, 1, 1, tzinfo=UTC), "Asia/Tokyo")
    assert listed(client, "moving") == [Organization("moving", "Europe/Paris", 1, "Moving")]
    assert not register(client, described("moving", "Europe/Paris", "monday"), "test")
