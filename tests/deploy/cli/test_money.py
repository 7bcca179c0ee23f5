"""`./tally currency`, `invoices` and `periods`: what is set, imported and closed is shown; what cannot be is said."""

from datetime import date
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from deploy.cli import currency, invoices, periods
from deploy.errors import DeployError, WrongSetting
from deploy.local.installation import Installation
from tests.warehouse.invoices.reports import DAY, file_of, openai_bucket, openai_page, openai_result


def run(app: typer.Typer, *arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments), catch_exceptions=False)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2026-03-14", DAY, DAY),
        ("2026-03-01..2026-03-14", date(2026, 3, 1), DAY),
    ],
)
def test_days(text: str, first: date, last: date) -> None:
    assert periods.span(text) == (first, last)


@pytest.mark.parametrize("text", ["2026", "2026-13", "March", "2026-03-01..", "2026-03-01..soon"])
def test_what_means_no_days(text: str) -> None:
    with pytest.raises(WrongSetting, match="means no days; write 2026-03"):
        periods.span(text)


@pytest.mark.parametrize(
    ("app", "arguments", "message"),
    [
        (currency.app, ["set", "EURO", "0.9", "--from", "2026-03-01"], "currency: 'EURO' is no code of three letters"),
        (currency.app, ["set", "EUR", "0", "--from", "2026-03-01"], "units_per_usd: 0 must be above 0"),
        (currency.app, ["list", "--currency", "EURO"], "is no code of three letters"),
        (invoices.app, ["compare", "openai", "--from", "2026-03-02", "--to", "2026-03-01"], "swap them"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked(app: typer.Typer, arguments: list[str], message: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        run(app, *arguments)
    assert message in str(caught.value)


def test_files_are_checked_before_anything_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("currency,day,units_per_usd\nEUR,2026-03-01,zero\n")
    with pytest.raises(WrongSetting, match="line 2: units_per_usd: 'zero' is no number"):
        run(currency.app, "import", str(file))
    with pytest.raises(WrongSetting, match="a CSV does not say whose invoice it is"):
        run(invoices.app, "import", str(file))


@pytest.mark.integration
def test_rates_invoices_and_periods(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TALLY_HOME", str(installation.home.folder))
    assert run(currency.app, "set", "SEK", "9.5", "--from", "2026-03-01").output == "1 USD is 9.5 SEK from 2026-03-01\n"
    again = run(currency.app, "set", "sek", "9.50", "--from", "2026-03-01").output
    assert again == "1 USD is 9.5 SEK from 2026-03-01: that was set already\n"
    file = tmp_path / "rates.csv"
    file.write_text("currency,day,units_per_usd\nSEK,2026-03-01,9.6\nSEK,2026-03-02,9.7\n")
    assert run(currency.app, "import", str(file), "--dry-run").output.endswith("2 of 2 rates would change: --dry-run\n")
    assert run(currency.app, "import", str(file)).output.endswith("2 of 2 rates were set\n")
    shown = [line.split()[:4] for line in run(currency.app, "list", "--currency", "SEK").output.splitlines()[1:]]
    assert [line[:3] for line in shown] == [["SEK", "2026-03-02", "9.7"], ["SEK", "2026-03-01", "9.6"]]
    assert "9.5" in run(currency.app, "list", "--currency", "SEK", "--history").output

    report = tmp_path / "costs.json"
    report.write_bytes(file_of(openai_page(openai_bucket(DAY, openai_result(1.5, "gpt-4o, input")))))
    name = ("--account", "cli-test")
    told = f"openai: 1 lines of 1 days, {DAY} to {DAY}, 1.5 USD"
    assert (
        run(invoices.app, "import", str(report), *name, "--dry-run").output == f"{told} would be imported: --dry-run\n"
    )
    assert run(invoices.app, "import", str(report), *name).output == f"{told} were imported\n"
    assert run(invoices.app, "import", str(report), *name).output == f"{told} hold just so already\n"
    assert "cli-test" in run(invoices.app, "list").output
    days = ("--from", str(DAY), "--to", "2026-03-15")
    compared = run(invoices.app, "compare", "openai", *days, *name, "--currency", "SEK").output
    assert "together" in compared
    assert "14.5500" in compared, "1.5 USD at 9.7"
    assert compared.endswith("1 of 2 days are in reports; the others were not compared\n")
    assert '"invoiced_usd": "1.5"' in run(invoices.app, "compare", "openai", *days, *name, "--json").output
    bill = tmp_path / "bill.csv"
    bill.write_text(f"day,amount_usd,model\n{DAY},2,claude-sonnet-4-5\n")
    assert run(invoices.app, "import", str(bill), "--provider", "bedrock", *name).output.startswith("aws: 1 lines")
    assert "bill.csv" in run(invoices.app, "list", "--provider", "Bedrock").output
    assert '"invoiced_usd": "2"' in run(invoices.app, "compare", "amazon-bedrock", *days, *name, "--json").output
    with pytest.raises(WrongSetting, match="no report of mistral tells about these days"):
        run(invoices.app, "compare", "mistral", *days)

    with pytest.raises(DeployError, match="nobody: there is no organisation 'nobody'"):
        run(periods.app, "close", "2026-02", "--organization", "nobody")
    with pytest.raises(WrongSetting, match="2026-02 is not closed for nobody"):
        run(periods.app, "show", "nobody", "2026-02")
    assert run(periods.app, "list").output.splitlines()[0].split() == [
        "organization",
        "from",
        "to",
        "closed",
        "by",
        "note",
    ]
