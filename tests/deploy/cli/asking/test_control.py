"""What is told of a record: how far it is, and what an order to cancel it leaves."""

import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from uuid import UUID

import pytest
from rich.console import Console
from typer.testing import CliRunner

from deploy.cli import control
from deploy.cli.asking.control_report import as_json, in_full, records_table
from deploy.cli.asking.following import told
from deploy.cli.console import NARROWEST, TextConsole
from warehouse.control import orders
from warehouse.control.earlier import Earlier
from warehouse.control.records import Asked, Followed
from warehouse.control.standing import Slices, Standing

NAME = str(UUID(int=1))
PLACE = Standing(3, "void", 7, "applied", job="planned", planned=2)
ASKED = Asked(NAME, "void", "acme", "ada", "", datetime(2026, 4, 2, tzinfo=UTC), (3,), {})


def test_a_record_is_shown_with_what_it_waits_for() -> None:
    behind = Followed(ASKED, (replace(PLACE, earlier=Earlier("id-0", "replay", is_paused=True)),))
    assert "  waits for replay id-0, which is paused: resume or cancel it" in in_full(behind).splitlines()
    waiting = Followed(ASKED, (replace(PLACE, job="cancelled", awaited=2),))
    assert "0 of 2 slices done, 0 events rewritten, 2 named events are still awaited)" in in_full(waiting)
    assert "awaited" not in in_full(Followed(ASKED, (PLACE,)))


@pytest.mark.parametrize(("author", "note"), [("ada", "n" * 60), ("a" * 90, "a note of many words " * 9)])
def test_the_id_of_a_record_is_listed_in_one_piece(author: str, note: str) -> None:
    text, asked = StringIO(), replace(ASKED, author=author, note=note)
    Console(file=text, width=NARROWEST, soft_wrap=True).print(records_table([Followed(asked, ())]))
    assert NAME in text.getvalue()


def test_an_event_is_awaited_once_it_is_known_which_came_before() -> None:
    asked = Followed(ASKED, (replace(PLACE, job="asked", awaited=1),))
    assert "awaited" not in in_full(asked)
    assert json.loads(as_json(asked))["places"][0]["awaited"] == 0
    planned = Followed(ASKED, (replace(PLACE, awaited=1),))
    assert "1 named event is still awaited" in in_full(planned)
    assert json.loads(as_json(planned))["places"][0]["awaited"] == 1


def test_an_event_that_came_later_and_stayed_as_it_was_is_told() -> None:
    told = in_full(Followed(ASKED, (replace(PLACE, job="done", stayed={"too dear": 1}),)))
    assert "0 events rewritten, 1 named event stays as it was)" in told
    assert "  1 named event that came later stays as it was: too dear, or of the prices" in told.splitlines()
    several = in_full(Followed(ASKED, (replace(PLACE, job="done", stayed={"too dear": 1, "too many": 2}),)))
    assert ", 3 named events stay as they were)" in several


def test_notes_and_authors_give_no_orders_to_the_terminal() -> None:
    wrong = replace(ASKED, author="ada\x1b[2J", note="a\x07b\nstate done", organization="a\x9bb")
    text = StringIO()
    shown = TextConsole(file=text, width=NARROWEST, soft_wrap=True)
    shown.print(in_full(Followed(wrong, ())))
    shown.print(records_table([Followed(wrong, ())]))
    assert all(each.isprintable() for each in text.getvalue().splitlines())
    lines = [line.strip() for line in text.getvalue().splitlines()]
    assert "note          a␇b state done" in lines
    assert "by ada␛[2J" in text.getvalue()


def test_what_met_nothing_says_so() -> None:
    nothing = Followed(ASKED, (replace(PLACE, job="done", planned=0),))
    assert "partition 3: done (offset 7, 0 events: no day was met)" in in_full(nothing)


def test_of_an_erasure_removed_events_are_told_not_rows() -> None:
    rows = Slices(17, done=17, events=152)
    place = replace(PLACE, kind="erase", job="done", planned=17, slices=rows)
    certified = replace(place, certificate={"removed": {"events": 37, "usage_raw": 39}})
    erased = Followed(replace(ASKED, kind="erase"), (certified,))
    assert "17 of 17 slices done, 37 events removed)" in in_full(erased)
    assert erased.slices["events"] == 37
    assert told(erased) == f"erase {NAME}: done, 17 of 17 slices, 37 events"
    assert told(Followed(erased.asked, (place,))) == f"erase {NAME}: done, 17 of 17 slices"


@pytest.mark.parametrize("awaited", [0, 2])
def test_cancelling_says_what_is_still_changed(monkeypatch: pytest.MonkeyPatch, awaited: int) -> None:
    monkeypatch.setattr(control, "connected", lambda _: nullcontext((None, None)))
    monkeypatch.setattr(orders, "give", lambda *_: True)
    monkeypatch.setattr(control, "followed", lambda *_: Followed(ASKED, (replace(PLACE, awaited=awaited),)))
    lines = CliRunner().invoke(control.app, ["cancel", NAME], catch_exceptions=False).output.splitlines()
    assert lines[0] == f"{NAME}: ends after the slice that is being done, for good; what is done stays done"
    still = "2 events that it names are still awaited: what it says holds for each that comes all the same"
    assert lines[1:] == ([still] if awaited else [])
