"""Waiting for a record ends when it ends, and is given up when nobody works on it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, repeat
from unittest.mock import create_autospec

import pytest
from clickhouse_connect.driver.client import Client
from rich.console import Console

from deploy.cli.asking import following
from deploy.cli.asking.following import GIVE_UP_SECONDS, Following
from deploy.errors import DeployError
from warehouse.control.earlier import Earlier
from warehouse.control.records import Asked, Followed
from warehouse.control.standing import Slices, Standing

WORKING = Standing(3, "void", 7, "applied", job="planned", planned=2, slices=Slices(2, done=1, waiting=1))
PAUSED = replace(WORKING, wanted="pause")
DONE = replace(WORKING, job="done", slices=Slices(2, done=2, events=9))
FAILED = replace(WORKING, job="failed", message="too much")


def wait(monkeypatch: pytest.MonkeyPatch, *standings: Standing, seconds: float = 1.0) -> tuple[bool, str]:
    """Whether it succeeded and what was told, when these are its standings, the last one for ever."""
    told: Iterator[Standing] = chain(standings, repeat(standings[-1]))
    asked = Asked("id", "void", "acme", "ada", "", datetime(2026, 4, 2, tzinfo=UTC), (3,))
    monkeypatch.setattr(following, "followed", lambda *_: Followed(asked, (next(told),)))
    clock = [0.0]

    def pause(_seconds: float) -> None:
        clock[0] += seconds

    console = Console(record=True, width=200, highlight=False, markup=False)
    client = create_autospec(Client, instance=True)
    succeeded = Following(client, console, pause, lambda: clock[0]).until_finished(["id"])
    return succeeded, console.export_text()


def test_it_ends_with_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    succeeded, told = wait(monkeypatch, WORKING, WORKING, DONE)
    assert succeeded
    assert "void id: done, 2 of 2 slices, 9 events" in told


def test_what_met_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    succeeded, told = wait(monkeypatch, replace(DONE, planned=0, slices=Slices()))
    assert succeeded
    assert "void id: done, 0 events: no day was met" in told
    _, told = wait(monkeypatch, replace(DONE, planned=0, slices=Slices(), awaited=1))
    assert "void id: done, 0 events: no day was met, 1 named event still awaited" in told
    assert "no day" not in wait(monkeypatch, DONE)[1]
    assert "no day" not in wait(monkeypatch, replace(FAILED, planned=0, slices=Slices()))[1]


def test_what_went_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    succeeded, told = wait(monkeypatch, WORKING, FAILED)
    assert not succeeded
    assert "void id: failed, 1 of 2 slices\n  too much" in told


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeployError, match=r"id is working and nothing has moved for 300 s; .* log partitions 3"):
        wait(monkeypatch, WORKING)


def test_what_waits_for_a_paused_job_says_so_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    held = replace(WORKING, earlier=Earlier("id-0", "replay", is_paused=True))
    succeeded, told = wait(monkeypatch, *[held] * 5, DONE, seconds=GIVE_UP_SECONDS * 0.9)
    assert succeeded
    assert told.count("void id waits for replay id-0, which is paused: resume or cancel it") == 1


def test_what_is_given_up_behind_an_earlier_job_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeployError, match="for 300 s; it waits for replay id-0, which was asked for before"):
        wait(monkeypatch, replace(WORKING, earlier=Earlier("id-0", "replay")))


def test_progress_and_a_pause_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [replace(WORKING, slices=Slices(9, done=number)) for number in range(9)]
    succeeded, _ = wait(monkeypatch, *steps, *[PAUSED] * 5, DONE, seconds=GIVE_UP_SECONDS * 0.9)
    assert succeeded
