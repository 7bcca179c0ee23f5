"""Rules of the smaller commands: durations, findings, logs, summaries."""

from pathlib import Path

import pytest

from deploy.cli import doctor
from deploy.cli.doctor import Verdict
from deploy.cli.logs import Tail, files
from deploy.cli.test import Check, summary
from deploy.cli.warehouse import one_line
from deploy.errors import NotRunning, WrongSetting
from deploy.local.spans import span
from warehouse.errors import WarehouseRefused


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (86_400, "24 h"), (200_000, "2 days")],
)
def test_durations(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_old_java_has_a_cure() -> None:
    assert doctor.java_finding(21, as_root=False).verdict is Verdict.good
    old = doctor.java_finding(11, as_root=False)
    assert (old.verdict, old.cure) == (Verdict.bad, "sudo apt-get install --yes openjdk-17-jre-headless")


def test_too_little_memory_and_disk_are_problems() -> None:
    assert doctor.memory(2 * doctor.GB).verdict is Verdict.bad
    assert doctor.memory(8 * doctor.GB).verdict is Verdict.good
    assert doctor.disk("/", 1 * doctor.GB).verdict is Verdict.bad
    assert doctor.disk("/", 50 * doctor.GB).verdict is Verdict.good


def test_a_log_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "api.log").touch()
    assert files(tmp_path, None) == [tmp_path / "api.log"]
    with pytest.raises(WrongSetting, match="no log of nginx; there are: api"):
        files(tmp_path, "nginx")


def test_following_a_log_gives_whole_lines_also_after_it_was_rotated(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("old\n")
    tail = Tail(log)
    with log.open("a") as file:
        file.write("one\nhal")
    assert tail.fresh_lines() == ["one"]
    with log.open("a") as file:
        file.write("f\n")
    assert tail.fresh_lines() == ["half"]
    assert tail.fresh_lines() == []
    log.write_text("new\n")
    assert tail.fresh_lines() == ["new"]


def test_an_error_of_the_warehouse_is_its_own_sentence() -> None:
    text = "Code: 60. DB::Exception: Table default.nope\n does not exist. (UNKNOWN_TABLE) (version 26.9)"
    failure = WarehouseRefused(text)
    assert str(one_line(failure, "http://x")) == "Table default.nope does not exist. (UNKNOWN_TABLE)"


def test_a_warehouse_that_is_away_is_not_running() -> None:
    failure = ConnectionRefusedError("nobody")
    assert isinstance(one_line(failure, "http://127.0.0.1:1"), NotRunning)


def test_the_summary_names_what_failed() -> None:
    text = summary([Check("mypy", 1, 3.2, "…"), Check("ruff check", 0, 0.4, "")])
    assert text.splitlines()[-2:] == ["  FAILED  mypy (3 s)", "  passed  ruff check (0 s)"]
