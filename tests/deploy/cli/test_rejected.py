"""What `./tally rejected` shows, and which options it refuses."""

import json
from datetime import UTC, datetime

import pytest
from rich.console import Console
from typer.testing import CliRunner

from deploy.cli import rejected
from deploy.cli.rejected_report import as_json, reasons_table, rejections_table, told
from deploy.errors import WrongSetting
from warehouse.queries.refused import Refused, Replay
from warehouse.queries.rejected import Reason, Rejection

MOMENT = datetime(2026, 3, 14, 9, 26, 53, 589_000, tzinfo=UTC)
ONE = Rejection("3-7-1", MOMENT, "worker", "acme", "e1", "rating: [9] is too much", 3, 7, 1, "{}", None)
BYTES = Refused("3-7-1", MOMENT, "worker", "acme", "e1", "", "rating: 9", 3, 7, 1, b'{"rating": 9}')


def shown(what: object) -> str:
    console = Console(record=True, width=200, highlight=False, markup=False)
    console.print(what)
    return console.export_text()


def test_tables_show_reasons_as_they_are() -> None:
    assert "rating: [9] is too much" in shown(rejections_table([ONE]))
    text = shown(reasons_table([Reason("rating: […]", "worker", 1200, 3, MOMENT, MOMENT, "3-7-1")]))
    assert "1,200" in text
    assert "rating: […]" in text


def test_json_has_every_field() -> None:
    found = json.loads(as_json(ONE))
    assert (found["rejection_id"], found["time"], found["replayed"]) == ("3-7-1", "2026-03-14T09:26:53.589+00:00", None)


def test_one_refusal_is_told_with_its_bytes_and_what_to_do() -> None:
    replay = Replay("3-7-1", 0, MOMENT, "ada", True, "acme", "e1", "accepted", "", 3, 99, 0)
    text = told(BYTES, [replay])
    assert "partition 3, offset 7, event 1 of the envelope" in text
    assert '{"rating": 9}' in text
    assert "sent again an edited payload 2026-03-14 09:26:53 by ada: e1 accepted at partition 3, offset 99" in text
    assert "--with event.json" in text


def test_bytes_that_are_no_text_are_shown_in_hexadecimal() -> None:
    whole = Refused("3-7-all", MOMENT, "worker", "", "", "", "gzip", 3, 7, None, b"\x1f\x8bx")
    text = told(whole, [])
    assert "3 bytes, no text:\n1f8b78" in text
    assert "0 of its 1 events can be read" in text


def test_poison_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.cli.rejected_report.payloads", pytest.fail)
    poison = Refused("3-7-all", MOMENT, "worker", "", "", "", "quarantined: it", 3, 7, None, b"x")
    assert "in a process of its own" in told(poison, [])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["replay"], "say which"),
        (["replay", "a", "b", "--with", __file__], "--with replaces one refusal"),
        (["list", "--from", "yesterday"], "--from yesterday: write a date"),
        (["replay", "3-7-1", "--reason", "rating"], "give IDs or filters, not both"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(rejected.app, arguments)
    assert isinstance(result.exception, WrongSetting)
    assert sentence in str(result.exception)
