"""`./tally config` shows and compares the revisions of one owner, and says whose others are."""

from datetime import UTC, datetime

import pytest
from clickhouse_connect.driver.client import Client

from deploy.cli import config
from deploy.cli.stored_revision import missing
from deploy.errors import DeployError
from tests.deploy.cli.conftest import Said
from warehouse.control import revisions

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)


@pytest.fixture
def stored(client: Client) -> None:
    """Revisions of everyone, acme and zen: those of prices are numbered together, each calendar's by itself."""
    for zone, day in (("Europe/Paris", 1), ("Asia/Tokyo", 2)):
        content = revisions.calendar_content(zone, 1, datetime(2026, 5, day, tzinfo=UTC))
        revisions.store(client, "calendar", "acme", content, author="ada", note="", source="test", now=NOW)
    content = revisions.calendar_content("Europe/Paris", 1, NOW)
    revisions.store(client, "calendar", "zen", content, author="ada", note="", source="test", now=NOW)
    rows = [["prices", owner, number, f"hash {number}", NOW] for number, owner in enumerate(("", "acme", "zen"), 1)]
    columns = ["kind", "organization", "revision", "content_hash", "created"]
    client.insert("config_revisions", rows, column_names=columns)


@pytest.mark.integration
@pytest.mark.usefixtures("stored")
def test_a_revision_of_another_owner_is_not_denied(said: Said) -> None:
    for arguments, problem in (
        (("show", "prices", "2"), "prices revision 2 is acme's: give --organization acme"),
        (
            ("show", "prices", "1", "--organization", "acme"),
            "prices revision 1 is everyone's: leave out --organization",
        ),
        (("show", "prices", "4"), "there is no prices revision 4; ./tally config history shows those there are"),
        (("show", "calendar", "1"), "calendar revision 1 is one of acme, zen: say whose with --organization"),
        (("diff", "calendar", "1", "2"), "calendar revision 1 is one of acme, zen: say whose with --organization"),
        (("diff", "prices", "1", "4"), "there is no prices revision 4; ./tally config history shows those there are"),
        (
            ("diff", "prices", "2", "3"),
            "prices revision 2 is acme's and 3 is zen's: choose two of one organization; "
            "./tally config history shows whose they are",
        ),
    ):
        with pytest.raises(DeployError) as caught:
            said(config, *arguments)
        assert str(caught.value) == problem


@pytest.mark.integration
@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("options", [(), ("--organization", "acme")])
def test_the_first_revision_of_an_organization_is_compared_by_what_held_for_it(said: Said, options: list[str]) -> None:
    with pytest.raises(DeployError) as caught:
        said(config, "diff", "prices", "1", "2", *options)
    assert str(caught.value) == (
        "prices revision 1 is everyone's and 2 is acme's: "
        "./tally prices diff 1 2 --organization acme shows what changed for acme"
    )


@pytest.mark.integration
@pytest.mark.usefixtures("stored")
def test_a_calendar_is_shown_and_compared(said: Said) -> None:
    shown = said(config, "show", "calendar", "2", "--organization", "acme").splitlines()
    assert "effective_from 2026-05-02T00:00:00+00:00" in shown
    assert "time_zone      Asia/Tokyo" in shown
    differs = said(config, "diff", "calendar", "1", "2", "--organization", "acme")
    assert "time_zone: Europe/Paris → Asia/Tokyo" in differs


def test_a_name_is_quoted_for_the_shell_and_many_are_cut() -> None:
    assert missing("prices", 2, "", ["Acme SA"]).endswith("is Acme SA's: give --organization 'Acme SA'")
    assert "one of a, b, c, d, e, …: say" in missing("calendar", 1, "", list("abcdefg"))
