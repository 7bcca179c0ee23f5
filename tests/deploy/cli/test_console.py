"""What ids, names and messages hold is printed as it is, also when rich could take it for markup or has no room."""

import re
from contextlib import nullcontext
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

import deploy.cli
from deploy.cli import organizations, trace
from deploy.cli.console import NARROWEST, console, done, folded, narrow_console, whole
from deploy.tracing.story import told
from tests.deploy.tracing.test_story import COUNTED, refusal
from warehouse.queries.organizations import Organization

NAMES = ["x [/x]", "acme [prod]", r"a\[b", "a:x:b"]


@pytest.mark.parametrize("name", NAMES)
def test_tables_and_lines_show_names_as_they_are(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for make in (console, narrow_console):
        table = Table("name", box=None)
        table.add_row(name)
        made = make()
        made.print(table)
        made.print(name)
        made.print(done(name))
        shown = capsys.readouterr().out
        assert [line.strip() for line in shown.splitlines()] == ["name", name, name, f"✓ {name}"]


def test_control_characters_are_shown_and_not_carried_out(capsys: pytest.CaptureFixture[str]) -> None:
    for make in (console, narrow_console):
        table = Table("name", "next", box=None, padding=0)
        table.add_row("a\x1b[31mb\x7f\x9bc\r", "whole")
        made = make()
        made.print(table)
        made.print("a\x1b]0;title\x07\tb\nc")
        assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [
            "name".ljust(len("a␛[31mb␡?c␍")) + "next",
            "a␛[31mb␡\ufffdc␍whole",
            "a␛]0;title␇" + " " * 5 + "b",
            "c",
        ]


def test_nothing_is_cut_in_a_pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    words = ("o" * 90, "n" * 90, "a note of many words " * 9)
    table = Table(folded("organization"), "name", "note", box=None)
    table.add_row(*words)
    console().print(table)
    _, line = capsys.readouterr().out.splitlines()
    assert line.split() == " ".join(words).split()


def test_names_that_are_longer_than_their_column_go_on_in_the_next_line() -> None:
    text = StringIO()
    table = Table(whole("id"), folded("organization"), "note", box=None)
    table.add_row("0a1b2c3d4e5f", "q" * 90, "x" * 90)
    Console(file=text, width=NARROWEST, soft_wrap=True).print(table)
    assert "0a1b2c3d4e5f" in text.getvalue()
    assert text.getvalue().count("q") == 90


def test_every_command_prints_to_such_a_console() -> None:
    folder = Path(deploy.cli.__file__).parent
    own = [path.name for path in folder.rglob("*.py") if re.search(r"Console\(", path.read_text())]
    assert own == ["console.py"]


def test_organizations_are_listed_whatever_they_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(organizations, "connected", lambda _: nullcontext((None, None)))
    known = [Organization(each, each, "UTC", 1, registered=True) for each in NAMES]
    monkeypatch.setattr(organizations, "ask", lambda *_: known)
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(organizations.app, ["list"], catch_exceptions=False).output
    assert all(name in shown for name in NAMES)


def test_an_event_is_traced_whatever_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    for name in NAMES:
        event = replace(COUNTED.counted[0].event, organization=name, source_id=name, dimensions={"model": name})
        refused = replace(refusal(0), reason=f"model: {name}")
        found = replace(COUNTED, counted=[replace(COUNTED.counted[0], event=event)], refusals=[refused])
        trace.show(found, told(found), console())
        assert capsys.readouterr().out.count(name) >= 4
