"""`./tally organizations` registers an organisation, changes its calendar and lists it."""

import getpass
from datetime import UTC, datetime

import pytest
from clickhouse_connect.driver.client import Client
from typer.testing import CliRunner

from deploy.cli import organizations
from deploy.cli.organizations import app
from deploy.errors import WrongSetting
from deploy.local.installation import Installation
from tests.deploy.cli.conftest import Said
from warehouse.control.history import History
from warehouse.organizations import listed
from warehouse.queries.organizations import ComingCalendar, Organization
from warehouse.queries.query import ask


def test_a_zone_that_does_not_exist_is_named() -> None:
    with pytest.raises(WrongSetting, match="'Paris' is no IANA time zone"):
        CliRunner().invoke(app, ["create", "acme", "--timezone", "Paris"], catch_exceptions=False)


@pytest.mark.integration
def test_a_created_organization_is_listed(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_HOME", str(installation.home.folder))
    create = ["create", "listed-one", "--timezone", "Europe/Paris", "--week-start", "sunday", "--display-name", "One"]
    first, second, listed = (
        CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments, catch_exceptions=False)
        for arguments in (create, create, ["list"])
    )
    assert first.output == "listed-one is registered: Europe/Paris, weeks from sunday\n"
    assert second.output == "listed-one was registered already: Europe/Paris, weeks from sunday\n"
    assert [line.split() for line in listed.output.splitlines() if line.startswith("listed-one")] == [
        ["listed-one", "One", "Europe/Paris", "sunday", "yes"]
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--timezone: neither it nor --week-start is given"),
        (["--timezone", ""], "'' is no IANA time zone"),
        (["--timezone", "localtime"], "'localtime' is no IANA time zone"),
        (["--week-start", "someday"], "'someday' is no day of the week"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused_before_anything_is_asked(options: list[str], message: str) -> None:
    with pytest.raises(WrongSetting, match=message):
        CliRunner().invoke(app, ["calendar", "acme", "--from", "2105-05-01", *options], catch_exceptions=False)


@pytest.mark.integration
def test_what_a_calendar_change_does_not_name_stays(said: Said) -> None:
    said(organizations, "create", "moving-one", "--timezone", "Europe/Paris", "--week-start", "sunday")
    told = said(
        organizations, "calendar", "moving-one", "--timezone", "Asia/Tokyo", "--from", "2105-05-01", "--dry-run"
    )
    assert told == (
        "moving-one would count in Asia/Tokyo, weeks from sunday from 2105-04-30T22:00+00:00, "
        "until then in Europe/Paris, weeks from sunday; nothing was asked for\n"
    )
    weeks = ("calendar", "moving-one", "--week-start", "monday", "--from", "2105-05-01")
    assert "count in Europe/Paris, weeks from monday from" in said(organizations, *weeks, "--dry-run")


def test_calendars_to_come_are_listed_with_the_date_on_which_each_begins() -> None:
    tokyo = ComingCalendar(datetime(2026, 12, 1, 5, tzinfo=UTC), "Asia/Tokyo", 1)
    paris = ComingCalendar(datetime(2027, 1, 9, 15, tzinfo=UTC), "Europe/Paris", 7)
    known = Organization("acme", "Acme", "America/New_York", 1, registered=True, coming_calendars=(tokyo, paris))
    assert organizations.to_come(known) == [
        "from 2026-12-01 Asia/Tokyo, weeks from monday",
        "from 2027-01-10 Europe/Paris, weeks from sunday",
    ]


@pytest.mark.integration
def test_a_calendar_to_come_is_listed(said: Said, client: Client) -> None:
    said(organizations, "create", "moving", "--timezone", "America/New_York")
    row = ["moving", datetime(2100, 12, 1, 5, tzinfo=UTC), "Europe/Paris", 1, 1]
    columns = ["organization", "effective_from", "time_zone", "week_start", "registered"]
    client.insert("organizations", [row], column_names=columns)
    _, line = said(organizations, "list").splitlines()
    assert line.rstrip().split(maxsplit=5) == [
        *("moving", "moving", "America/New_York", "monday", "yes"),
        "from 2100-12-01 Europe/Paris, weeks from monday",
    ]


@pytest.mark.integration
def test_a_calendar_changes_on_its_day_also_where_nothing_was_used_yet(said: Said, client: Client) -> None:
    said(organizations, "create", "fresh", "--timezone", "America/New_York")
    told = said(
        *(organizations, "calendar", "fresh", "--timezone", "Europe/Paris", "--from", "2105-12-01"),
        *("--note", "moved to Paris"),
    )
    assert told.startswith("fresh counts in Europe/Paris, weeks from monday from 2105-12-01T05:00+00:00 (revision 1, ")
    [stored] = ask(client, History("calendar", "fresh"))
    assert (stored.note, stored.author, stored.source) == ("moved to Paris", getpass.getuser(), "command line")
    assert [each.time_zone for each in listed(client)] == ["America/New_York"], "until that day"


@pytest.mark.integration
def test_registering_anew_gives_another_calendar_at_once_where_nothing_was_used_yet(said: Said, client: Client) -> None:
    for zone in ("America/New_York", "Europe/Paris"):
        told = said(organizations, "create", "fresh", "--timezone", zone)
        assert told == f"fresh is registered: {zone}, weeks from monday\n"
    assert [each.time_zone for each in listed(client)] == ["Europe/Paris"]


@pytest.mark.integration
def test_a_mistyped_organization_is_not_registered_by_its_calendar(said: Said) -> None:
    with pytest.raises(WrongSetting, match="no organization 'acmee': create it with"):
        said(organizations, "calendar", "acmee", "--timezone", "Asia/Tokyo", "--from", "2105-05-01")
    assert "acmee" not in said(organizations, "list")
