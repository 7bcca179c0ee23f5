"""`./tally organizations` registers an organisation and lists it."""

import pytest
from typer.testing import CliRunner

from deploy.cli.organizations import app
from deploy.errors import WrongSetting
from deploy.local.installation import Installation


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
