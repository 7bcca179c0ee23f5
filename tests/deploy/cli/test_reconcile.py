"""What `./tally reconcile` says and how it exits."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from rich.console import Console
from rich.progress import Progress
from typer.testing import CliRunner

from deploy.cli import reconcile
from deploy.errors import WrongSetting
from warehouse.queries.reconcile.acknowledged import Acknowledgement
from warehouse.queries.reconcile.cures import incomplete_partitions
from warehouse.queries.reconcile.difference import Comparison, Difference, Place
from warehouse.queries.reconcile.reconcile import Report, Scope

WRONG = Difference(
    "rollup day = quarter", "acme", 1026, "2026-03-14", {"model": "gpt-4o"}, {"requests": 1200}, {"requests": 1199}
)


def report(*differences: Difference) -> Report:
    made = Report(as_of=datetime(2026, 3, 14, 9, 26, 53, 589_000, tzinfo=UTC))
    made.add(Comparison(12345, len(differences), differences))
    return made


def shown(made: Report) -> str:
    console = Console(record=True, width=200, highlight=False, markup=False)
    reconcile.show(made, console)
    return console.export_text()


def test_agreement_is_one_line() -> None:
    assert shown(report()) == ("no difference in 12,345 rows, 62 measures, up to 2026-03-14T09:26:53.589+00:00\n")


def test_a_difference_is_a_line_of_a_table() -> None:
    text = shown(report(WRONG))
    assert "1 of 12,345 rows differ, up to 2026-03-14" in text
    line = next(line for line in text.splitlines() if "2026-03-14 " in line and "acme" in line)
    assert [cell.strip() for cell in line.strip("│ ").split("│")] == [
        *("rollup day = quarter", "acme", "1026", "2026-03-14"),
        *("model=gpt-4o", "requests", "1,200", "1,199"),
    ]


def test_acknowledged_events_that_wait_are_mentioned() -> None:
    made = report()
    made.waiting = 3
    assert "3 acknowledged events are not applied yet" in shown(made)


def test_json_holds_everything() -> None:
    found = json.loads(json.dumps(reconcile.as_json(report(WRONG))))
    assert (found["rows"], found["differing"]) == (12345, 1)
    assert found["differences"][0]["stored"] == {"requests": 1199}


def test_notes_and_what_to_do_are_said() -> None:
    lost = Difference(
        "partition_progress = raw", "usage.events", 1026, "since the log began", {}, {"accepted": 3}, {"accepted": 4}
    )
    made = report(WRONG, lost)
    made.notes.append("Kafka is silent")
    made.places.add(Place(1026, "acme", date(2026, 3, 14)))
    text = shown(made)
    assert "note: Kafka is silent" in text
    assert "to do: ./tally reconcile --repair computes the days that differ again" in text
    assert "to do: partition_progress = raw: raw events are missing or too many: stop the workers" in text
    assert incomplete_partitions(made.differences) == {1026}
    assert json.loads(json.dumps(reconcile.as_json(made)))["notes"] == ["Kafka is silent"]


def test_acknowledgements_are_compared_again_after_a_repair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sent.ndjson"
    file.write_text('{"organization":"a","event_id":"x","partition":1,"offset":5}\n')
    asked: list[list[int]] = []

    def compared(_client: Any, _scope: Scope, sent: Iterable[Acknowledgement], **_: Any) -> Report:
        asked.append([one.offset for one in sent])
        return report(WRONG)

    monkeypatch.setattr(reconcile, "reconcile", compared)
    monkeypatch.setattr(reconcile, "Reconciler", MagicMock())
    made = reconcile.Comparing(MagicMock(), Progress(disable=True), Scope("a"), file)
    made.repaired(made.compared())
    assert asked == [[5], [5]]


def test_acknowledgements_are_read_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "sent.ndjson"
    file.write_text('{"organization":"a","event_id":"x","partition":1,"offset":5}\n\n{"organization":"a"}\n')
    lines = reconcile.read_acknowledgements(file)
    assert next(lines).offset == 5
    with pytest.raises(WrongSetting, match=r"sent\.ndjson, line 3: organization, event_id, partition and offset"):
        next(lines)


@pytest.mark.parametrize(("differences", "status"), [((), 0), ((WRONG,), 1)])
def test_exit_status(monkeypatch: pytest.MonkeyPatch, differences: tuple[Difference, ...], status: int) -> None:
    asked: list[Scope] = []

    class Connected:
        def __init__(self, user: str) -> None:
            pass

        def __enter__(self) -> tuple[None, None]:
            return None, None

        def __exit__(self, *_: object) -> None:
            pass

    def compared(client: None, scope: Scope, *_: object, **__: object) -> Report:
        asked.append(scope)
        return report(*differences)

    monkeypatch.setattr(reconcile, "connected", Connected)
    monkeypatch.setattr(reconcile, "swept", lambda _client: ["3 rows had come back"])
    monkeypatch.setattr(reconcile, "reconcile", compared)
    run = CliRunner().invoke(reconcile.app, ["--organization", "acme", "--from", "2026-03-01", "--format", "json"])
    assert (run.exit_code, asked) == (status, [Scope("acme", date(2026, 3, 1))])
    assert json.loads(run.stdout)["notes"] == ["3 rows had come back"]


def test_days_in_the_wrong_order_are_refused() -> None:
    run = CliRunner().invoke(reconcile.app, ["--from", "2026-03-02", "--to", "2026-03-01"])
    assert isinstance(run.exception, WrongSetting)
