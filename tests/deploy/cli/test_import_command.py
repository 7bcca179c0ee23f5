"""`./tally import` explains wrong options, and with services returns when everything is visible, each event once."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli.import_command import app, pairs
from deploy.cli.import_report import usage_table
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from deploy.local.installation import Installation
from tests.producers.importers.test_llms_export import array, export, version_2, version_3

AZURE_FILE = Path(__file__).parents[2] / "data" / "azure_llm_code_2023.csv"
GPT_4O = ("--provider", "openai", "--model", "gpt-4o")


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments, catch_exceptions=False)


def test_fields_are_given_as_name_and_value() -> None:
    assert pairs("--set", ["department=R&D", "metadata.note=a=b", "plan="]) == {
        "department": "R&D",
        "metadata.note": "a=b",
        "plan": "",
    }
    for wrong in ("department", "=x"):
        with pytest.raises(WrongSetting, match=f"--set {wrong}: write it as NAME=VALUE"):
            pairs("--set", [wrong])


def test_a_file_that_nothing_fits_is_named_with_the_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_HOME", str(tmp_path / "home"))
    file = tmp_path / "notes.txt"
    file.write_text("nothing to import")
    with pytest.raises(WrongSetting, match=r"notes\.txt: no format fits this file; there are: llms"):
        run(str(file), "--organization", "acme")


def test_another_collector_needs_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_HOME", str(tmp_path / "home"))
    with pytest.raises(WrongSetting, match="give a key of it"):
        run(str(AZURE_FILE), "--organization", "acme", "--url", "http://127.0.0.1:1")


def test_the_table_sums_what_it_shows() -> None:
    table = usage_table("Usage", [("openai", "gpt-4o", 2, 10, 5, 1, 0), ("", "x", 1_000, 1, 1, 0, 1_000)])
    assert [column.footer for column in table.columns] == ["total", "", "1,002", "11", "6", "1"]
    assert list(table.columns[-1].cells) == ["1", "0 (1,000 without a price)"]


@pytest.mark.integration
def test_the_azure_trace_is_visible_when_the_import_returns_and_counts_once(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLY_HOME", str(installation.home.folder))
    lines = [line.split(",") for line in AZURE_FILE.read_text().splitlines()[1:]]
    expected = (len(lines), sum(int(line[1]) for line in lines), sum(int(line[2]) for line in lines))
    arguments = (str(AZURE_FILE), "--format", "azure-trace", "--organization", "imported", *GPT_4O)
    shown = [run(*arguments).output, run(*arguments).output, run(*arguments, "--again").output]
    assert "8,819 records: 8,819 accepted, 0 rejected." in shown[0]
    assert "This was imported already" in shown[1]
    assert "imported already" not in shown[2]
    assert all("8,819" in text and "18,059,974" in text for text in shown)
    with connected("tally") as (client, _):
        (row,) = client.query(
            "SELECT sum(requests), sum(input_tokens), sum(output_tokens) FROM usage_daily "
            "WHERE organization = 'imported'"
        ).result_rows
    assert tuple(row) == expected
    assert (installation.home.secrets / "import.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.integration
def test_both_shapes_of_llms_requests_are_counted_with_their_cached_tokens(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLY_HOME", str(installation.home.folder))
    browser, server = tmp_path / "llmsrequests-export-2025-09-16.json", tmp_path / "requests.json"
    browser.write_bytes(export(version_2(), version_2(id=2), "damaged").getvalue())
    server.write_bytes(array(version_3(), version_3(ref=None, error="HTTP Error 429", usage=None)).getvalue())
    shown = [run(str(file), "--organization", "llms-users").output for file in (browser, server)]
    assert "3 records: 2 accepted, 1 rejected." in shown[0]
    assert "record 2: not an object" in shown[0]
    with connected("tally") as (client, _):
        rows = client.query(
            "SELECT model, user_id, status, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, "
            "reasoning_tokens, toString(reported_cost_usd) FROM usage_events WHERE organization = 'llms-users' "
            "ORDER BY time, status DESC"
        ).result_rows
    assert [tuple(row) for row in rows] == [
        ("gpt-4o-2024-08-06", "", "success", 86, 1920, 0, 172, 128, "0.008015"),
        ("claude-sonnet-4-5", "mythz", "success", 21, 188086, 1000, 393, 0, "0.0123"),
        ("claude-sonnet-4-5", "mythz", "error", 21, 0, 0, 393, 0, "0.0123"),
    ]
