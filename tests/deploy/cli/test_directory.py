"""`./tally directory`: what is imported is listed, changed, told with its history and exported again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from typer.testing import CliRunner, Result

from deploy.cli import directory
from deploy.cli.directory import app, told
from deploy.errors import DeployError, WrongSetting
from deploy.local.installation import Installation
from tests.deploy.cli.conftest import Said
from warehouse.directory.changes import Outcome
from warehouse.directory.importing import Summary
from warehouse.organizations import described, register


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments), catch_exceptions=False)


def test_what_an_import_did_is_told() -> None:
    lines = told(Summary({Outcome.CREATED: 1200, Outcome.UNCHANGED: 3}, 2, 1), dry_run=True)
    assert [line.split() for line in lines] == [
        ["1,200", "created"],
        ["0", "renamed"],
        ["0", "archived"],
        ["0", "restored"],
        ["0", "changed"],
        ["3", "unchanged"],
        ["2", "organizations", "registered"],
        ["1", "organizations", "unchanged"],
        ["nothing", "was", "written:", "--dry-run"],
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["set", "acme", "user", "u1"], "display_name: '' says nothing"),
        (["set", "acme", "prompt", "p1", "--email", "a@b"], "belongs to user only, not to a prompt"),
        (["set", "acme", "user", "u1", "--attribute", "x"], "--attribute x: write it as NAME=VALUE"),
        (["set", "acme", "user", "u1", "--department", " "], "department: ' ' has spaces around it; remove them"),
        (["set", "acme", "user", "u1", "--name", "A", "--from", "9999-12-31T23:59:59-05:00"], "is no time between"),
        (["set", "acme", "user", "u1", "--name", "A", "--from", "soon"], "--from 'soon' is no time; write it like"),
    ],
)
def test_what_cannot_be_set_is_said_before_anything_is_asked(arguments: list[str], message: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        run(*arguments)
    assert message in str(caught.value)


@pytest.mark.integration
def test_an_export_tells_whose_calendar_changes_it_leaves_out(said: Said, client: Client, tmp_path: Path) -> None:
    for name in ("moved", "stayed"):
        register(client, described(name, "Europe/Paris", "monday"), "test")
    told = f"2 lines are in {tmp_path}/out.csv\n"
    assert said(directory, "export", f"{tmp_path}/out.csv") == told
    client.insert(
        "organizations",
        [["moved", datetime(2026, 1, 1, tzinfo=UTC), "Asia/Tokyo", 7, 1]],
        column_names=["organization", "effective_from", "time_zone", "week_start", "registered"],
    )
    both = said(directory, "export", f"{tmp_path}/out.csv")
    assert both.replace(told, "") == "not in the file: the calendar changes of moved\n"
    assert said(directory, "export", f"{tmp_path}/out.csv", "--organization", "stayed").startswith("1 lines")


@pytest.mark.integration
def test_a_directory_from_a_file_and_back(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TALLY_HOME", str(installation.home.folder))
    file, back = tmp_path / "in.csv", tmp_path / "out.csv"
    file.write_text(
        "organization;kind;id;display_name;department;time_zone\n"
        ";organization;named-one;Named One;;Europe/Paris\n"
        "named-one;department;sales;Sales;;\n"
        "named-one;user;u1;[bold]Ada;sales;\n"
    )
    assert "nothing was written: --dry-run" in run("import", str(file), "--dry-run").output
    assert "u1" not in run("list", "--organization", "named-one").output
    assert run("import", str(file)).output.splitlines()[0].split() == ["3", "created"]
    assert run("import", str(file)).output.splitlines()[5].split() == ["3", "unchanged"]
    assert run("set", "named-one", "user", "u1", "--name", "Ada King", "--from", "2026-02-01").output == (
        "user u1 of named-one: renamed, from 2026-02-01\n"
    )
    assert run("set", "named-one", "user", "u1", "--state", "active").output.endswith(": unchanged\n")

    def listed(*options: str) -> list[list[str]]:
        lines = run("list", "--organization", "named-one", *options).output.splitlines()[1:]
        return [line.split() for line in lines]

    assert listed("--kind", "user") == [
        ["named-one", "user", "u1", "Ada", "King", "sales", "active", "2026-02-01"],
    ]
    assert ["named-one", "user", "u1", "[bold]Ada", "sales", "active", "always"] in listed("--at", "2026-01-31")
    history = run("history", "named-one", "user", "u1").output
    assert "display_name=[bold]Ada; department=sales" in history
    assert "command line (cli)" in history
    with pytest.raises(DeployError, match="named-one has no user 'u2'"):
        run("history", "named-one", "user", "u2")

    assert run("export", str(back), "--organization", "named-one").output == f"5 lines are in {back}\n"
    assert run("export", "--organization", "named-one").stdout_bytes == back.read_bytes()
    again = run("import", str(back)).output.splitlines()
    assert [line.split() for line in again[5:]] == [
        ["4", "unchanged"],
        ["0", "organizations", "registered"],
        ["1", "organizations", "unchanged"],
    ]

    file.write_text("organization,kind,id,display_name\nnamed-one,team,t,T\n")
    with pytest.raises(WrongSetting, match="line 2: kind: 'team' is none of department"):
        run("import", str(file))
