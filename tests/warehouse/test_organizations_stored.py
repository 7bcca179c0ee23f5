"""Registering in the real table: what is written is what is read, by people and by workers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.embedded.running_warehouse import RunningWarehouse
from warehouse.directory.registration import organization_wished, registered
from warehouse.errors import CalendarInUse
from warehouse.families import ROLLUP_TABLES
from warehouse.migrate import migrate, scripts
from warehouse.organizations import Organization, described, listed, register
from warehouse.queries.organizations import LastCalendar, LastTold, Organizations
from warehouse.queries.query import ask

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
        [[name, datetime(1970, 1, 1, tzinfo=UTC), "UTC", 1, name, 0, "worker", datetime(1970, 1, 1, tzinfo=UTC)]],
        column_names=[
            *("organization", "effective_from", "time_zone", "week_start"),
            *("display_name", "registered", "author", "created"),
        ],
    )
    if used:
        use(client, name)


def use(client: Client, name: str) -> None:
    client.command(
        f"INSERT INTO usage_raw (organization, time, event_id) VALUES ('{name}', now64(3), generateUUIDv4())"
    )


def test_a_registered_organization_is_listed_and_registering_again_writes_nothing(client: Client) -> None:
    acme = described("acme", "Europe/Paris", "sunday")
    assert register(client, acme, "test")
    assert listed(client, "acme") == [Organization("acme", "Europe/Paris", 7, display_name="acme")]
    assert not register(client, acme, "test")
    assert client.query(
        "SELECT effective_from = 0, author FROM organizations WHERE organization = 'acme'"
    ).result_rows == [(True, "test")]


def test_one_created_on_sight_becomes_registered(client: Client) -> None:
    on_sight(client, "seen", used=True)
    assert listed(client, "seen")[0].registered is False
    assert register(client, described("seen", "UTC", "monday"), "test")
    assert listed(client, "seen") == [Organization("seen", "UTC", 1, display_name="seen")]


def test_another_zone_is_refused_with_usage_and_taken_without(client: Client) -> None:
    register(client, described("busy", "UTC", "monday"), "test")
    register(client, described("idle", "UTC", "monday"), "test")
    use(client, "busy")
    with pytest.raises(CalendarInUse, match="busy has usage"):
        register(client, described("busy", "Asia/Tokyo", "monday"), "test")
    assert register(client, described("idle", "Asia/Tokyo", "monday"), "test")
    assert [organization.time_zone for organization in (*listed(client, "busy"), *listed(client, "idle"))] == [
        "UTC",
        "Asia/Tokyo",
    ]


ROLLED_UP = [f"{table} (grain, organization, bucket) VALUES ('day', 'gone', now())" for table in ROLLUP_TABLES]
TRACES = [*((row, "has usage that is counted") for row in ROLLED_UP)] + [
    (row, "had usage that was counted in UTC, weeks from monday, which was erased or went by retention: to change")
    for row in (
        "tombstones (organization, time) VALUES ('gone', now64(3))",
        "erasures (organization, state) VALUES ('gone', 'complete')",
        "jobs (organization, kind, state) VALUES ('gone', 'replay', 'done')",
        "control_log (organization, kind, outcome) VALUES ('gone', 'erase', 'applied')",
    )
]


@pytest.mark.parametrize(("row", "words"), TRACES)
def test_e14_a_calendar_stays_in_use_when_its_raw_events_are_gone(client: Client, row: str, words: str) -> None:
    """Workers hold it, and what is derived lies in it: after retention, and after an erasure."""
    register(client, described("gone", "UTC", "monday"), "test")
    table = row.partition(" ")[0]
    client.command(f"INSERT INTO {row}")
    try:
        with pytest.raises(CalendarInUse, match=f"gone {words}"):
            register(client, described("gone", "Asia/Tokyo", "monday"), "test")
    finally:
        client.command(f"TRUNCATE TABLE {table}")
    assert not register(client, described("gone", "UTC", "monday"), "test")


def test_prices_of_its_own_are_no_usage(client: Client) -> None:
    register(client, described("priced", "UTC", "monday"), "test")
    client.command("INSERT INTO control_log (organization, kind, outcome) VALUES ('priced', 'config', 'applied')")
    assert register(client, described("priced", "Asia/Tokyo", "monday"), "test")


def test_a_renaming_does_not_judge_the_zone_that_was_taken_before(client: Client) -> None:
    client.insert(
        "organizations",
        [["earlier", datetime(1970, 1, 1, tzinfo=UTC), "localtime", 1, 1]],
        column_names=["organization", "effective_from", "time_zone", "week_start", "registered"],
    )
    wish = organization_wished("earlier", "", "", {"display_name": "Earlier"})
    assert registered(client, wish, datetime(2026, 1, 1, tzinfo=UTC), "test", "cli").is_new is False


def test_e14_what_a_worker_has_seen_counts_before_its_events_are_stored(client: Client) -> None:
    """The worker looked its calendar up once: another one would hold in the table only."""
    on_sight(client, "arriving", used=False)
    with pytest.raises(CalendarInUse, match="arriving has usage that is counted in UTC"):
        register(client, described("arriving", "Asia/Tokyo", "monday"), "test")


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


def rows_of(client: Client, name: str) -> list[tuple[str, int]]:
    answer = client.query(
        "SELECT toString(time_zone), week_start FROM organizations FINAL "
        "WHERE organization = {name:String} ORDER BY effective_from",
        parameters={"name": name},
    )
    return [tuple(row) for row in answer.result_rows]


def test_registering_leaves_the_past_in_its_calendar(client: Client) -> None:
    on_sight(client, "moved", used=True)
    changed_calendar(client, "moved", datetime(2026, 1, 1, tzinfo=UTC), "Asia/Tokyo")
    assert not register(client, described("moved", "Asia/Tokyo", "sunday"), "test")
    assert rows_of(client, "moved") == [("UTC", 1), ("Asia/Tokyo", 7)]
    with pytest.raises(CalendarInUse, match="organizations calendar"):
        register(client, described("moved", "Europe/Paris", "monday"), "test")


def test_a_calendar_of_the_future_is_not_in_force(client: Client) -> None:
    register(client, described("moving", "Europe/Paris", "monday"), "test")
    changed_calendar(client, "moving", datetime(2100, 1, 1, tzinfo=UTC), "Asia/Tokyo")
    assert listed(client, "moving") == [Organization("moving", "Europe/Paris", 1, display_name="moving")]
    assert not register(client, described("moving", "Europe/Paris", "monday"), "test")


def test_the_calendar_that_the_log_told_last_holds_in_the_end(client: Client) -> None:
    assert ask(client, LastCalendar("nobody")) is None
    register(client, described("told", "Europe/Paris", "monday"), "test")
    assert ask(client, LastCalendar("told")) == LastTold("Europe/Paris", 1, None)
    since = datetime(2100, 1, 1, tzinfo=UTC)
    changed_calendar(client, "told", since, "Asia/Tokyo")
    assert ask(client, LastCalendar("told")) == LastTold("Asia/Tokyo", 7, since)


def test_names_of_earlier_versions_are_what_was_always_said(client: Client) -> None:
    """Migration 0033, applied to what an installation had: a name is not lost, and may be changed from now on."""
    beginning, moment = datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC)
    rows = [
        ["old", beginning, "UTC", 1, "Old Name", 1, datetime(2026, 1, 3, tzinfo=UTC)],
        ["old", moment, "Asia/Tokyo", 7, "", 1, moment],
        ["unnamed", beginning, "UTC", 1, "unnamed", 1, moment],
        ["stranger", beginning, "UTC", 1, "stranger", 0, beginning],
    ]
    columns = ["organization", "effective_from", "time_zone", "week_start", "display_name", "registered", "created"]
    client.insert("organizations", rows, column_names=columns)
    [script] = [each for each in scripts("migrations") if each.name.endswith("0033_organization_names.sql")]
    for statement in script.statements * 2:
        client.command(statement)
    names = {each.name: each.display_name for each in listed(client)}
    assert {name: names[name] for name in ("old", "unnamed", "stranger")} == {
        "old": "Old Name",
        "unnamed": "unnamed",
        "stranger": "stranger",
    }
    told = "SELECT organization, display_name, effective_from = 0 FROM directory_entries FINAL WHERE entity_id = 'old'"
    assert client.query(told).result_rows == [("old", "Old Name", True)]
    registered(client, organization_wished("old", "", "", {"display_name": "New"}), moment, "test", "cli")
    at = [ask(client, Organizations(each, "old"))[0].display_name for each in (moment - timedelta(1), moment)]
    assert at == ["Old Name", "New"]
