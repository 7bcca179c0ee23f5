"""`./tally terms`, `margin` and `free-usage`: options, words and tables."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from deploy.cli import config, free_usage, margin, terms
from deploy.cli.terms_report import as_json, change_told, history_table, terms_table
from deploy.errors import WrongSetting
from deploy.local.installation import Installation
from stream_jobs.credits import Terms, TermsRow
from stream_jobs.credits.terms_change import ChangedTerms
from warehouse.queries.terms import AgreedTerms

MARCH, JUNE = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
SHIPPED = AgreedTerms(
    *("", ALWAYS, None, "request", Decimal("0E-18"), "exact", Decimal("0.000000"), 3, 0),
    *("tokentally", "As shipped", "tokentally", ALWAYS),
)
ACME = AgreedTerms(
    *("acme", MARCH, JUNE, "cost", Decimal("1000.500000000000000000"), "up", Decimal("0.125000"), 5, 2),
    *("ada", "contract", "command line", MARCH),
)


def text(table: Table) -> list[list[str]]:
    console = Console(width=250, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(table)
    return [line.split() for line in captured.get().splitlines()]


def test_terms_say_what_holds_now() -> None:
    _, default, acme = text(terms_table([SHIPPED, ACME], datetime(2026, 4, 1, tzinfo=UTC)))
    assert " ".join(default).startswith("(default) always the model's multiplier, a request exact 0 % 3 in force")
    assert " ".join(acme).endswith("1000.5 a USD up 12.5 % 5 in force ada contract")
    _, gone = text(terms_table([ACME], JUNE))
    assert "force" not in gone


def test_history_says_who_set_them() -> None:
    _, row = text(history_table([ACME]))
    assert " ".join(row[2:4]) == "ada 2"


def test_json_keeps_every_digit() -> None:
    said = json.loads(as_json(ACME, JUNE))
    assert (said["credits_per_usd"], said["in_force"]) == ("1000.500000000000000000", False)


def test_a_change_is_told_line_by_line() -> None:
    row = TermsRow("acme", Terms("cost", Decimal("1000.50"), markup_ppm=125_000), MARCH)
    first, *lines = change_told(ChangedTerms(row, Terms()))
    assert first.startswith("acme, from 2026-03-01")
    assert lines == ["  basis: request → cost", "  credits_per_usd: 0 → 1000.5", "  markup: 0 % → 12.5 %"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--markup", "a lot"], "write a number"),
        (["--markup", "0.0000001"], "at most 6 decimal places"),
        (["--markup", "nan"], "at most 6 decimal places"),
        (["--markup", "%"], "write a number like 20% or 0.2"),
        (["--markup", "1_0%"], "write a number like 20% or 0.2"),
        (["--markup", "1e999999"], "write a number like 20% or 0.2"),
        (["--credits-per-usd", "many"], "write a number"),
        (["--credits-per-usd", "1_0"], "write a number like 1000 or 0.5"),
        (["--credits-per-usd", "١٠"], "write a number like 1000 or 0.5"),
        (["--from", "soon"], "write a date or time"),
    ],
)
def test_what_cannot_be_read_is_named(arguments: list[str], told: str) -> None:
    with pytest.raises(WrongSetting, match=told):
        CliRunner().invoke(terms.app, ["set", *arguments], catch_exceptions=False)


@pytest.mark.parametrize(
    ("text", "ppm"), [("", None), ("20%", 200_000), ("0.2", 200_000), ("0.1000000000000%", 1000), ("12.5 %", 125_000)]
)
def test_a_markup_in_millionths(text: str, ppm: int | None) -> None:
    assert terms.markup_ppm(text) == ppm


@pytest.mark.parametrize("app", [margin.app, free_usage.app])
def test_days_are_dates(app: object) -> None:
    with pytest.raises(WrongSetting, match="write a date like"):
        CliRunner().invoke(app, ["--from", "March"], catch_exceptions=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("app", [margin.app, free_usage.app])
def test_currencies_are_codes(app: object) -> None:
    with pytest.raises(WrongSetting, match="no code of three letters"):
        CliRunner().invoke(app, ["--currency", "euro"], catch_exceptions=False)  # type: ignore[arg-type]


@pytest.mark.integration
def test_terms_are_set_and_shown(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_HOME", str(installation.home.folder))

    def run(app: object, *arguments: str) -> str:
        runner = CliRunner(env={"COLUMNS": "250"})
        return runner.invoke(app, list(arguments), catch_exceptions=False).output  # type: ignore[arg-type]

    wanted = ("set", "--markup", "12.5%", "--from", "2199-01-01", "--note", "later", "--author", "ada")
    with pytest.raises(WrongSetting, match="between 1970 and 2105"):
        run(terms.app, *wanted, "--dry-run")
    wanted = ("set", "--markup", "12.5%", "--from", "2099-01-01", "--note", "later", "--author", "ada")
    assert run(terms.app, *wanted, "--dry-run").splitlines()[1:] == ["  markup: 0 % → 12.5 %"]
    assert "2099" not in run(terms.app, "list")
    with pytest.raises(WrongSetting, match="give --yes or --dry-run"):
        run(terms.app, *wanted)
    assert "multipliers revision" in run(terms.app, *wanted, "--yes")
    with pytest.raises(WrongSetting, match="nothing changes"):
        run(terms.app, *wanted, "--yes")
    shown = [json.loads(line) for line in run(terms.app, "list", "--json").splitlines()]
    assert [(each["markup"], each["in_force"]) for each in shown] == [("0.000000", True), ("0.125000", False)]
    (set_,) = [json.loads(line) for line in run(terms.app, "history", "--json").splitlines()]
    assert (set_["author"], set_["note"], set_["revision"] > 1) == ("ada", "later", True)
    revision = str(set_["revision"])
    assert "markup 12.5 %" in run(config.app, "show", "multipliers", revision)
    assert re.search(
        r"terms from 2099-01-01.*: None → .*markup 12.5 %", run(config.app, "diff", "multipliers", "1", revision)
    )
    assert run(margin.app, "--by", "model", "--json").count("margin_usd") >= 1
    assert run(free_usage.app, "--json") == ""
    assert json.loads(run(margin.app, "--currency", "usd", "--json").splitlines()[0])["currency"] == "USD"
    assert "margin USD" in run(margin.app, "--currency", "USD").splitlines()[0]
    assert run(free_usage.app, "--currency", "USD").splitlines()[0].split()[-2:] == ["cost", "USD"]
