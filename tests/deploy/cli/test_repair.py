"""A repair is asked for once, waited for with words, and given up when nobody does it."""

from datetime import date
from itertools import chain, repeat
from typing import Any
from unittest.mock import create_autospec

import pytest
from clickhouse_connect.driver.client import Client
from rich.progress import Progress as Bar

from deploy.cli import repair
from deploy.cli.repair import Repair
from deploy.errors import DeployError
from warehouse.queries.reconcile.difference import Place
from warehouse.repairs import RepairSlice, RepairStatus

PLACES = {Place(3, "zen", date(2026, 3, 2)), Place(3, "acme", date(2026, 3, 1))}
DONE = RepairStatus(asked=0, done=2, failed=0)
OPEN = RepairStatus(asked=2, done=0, failed=0, waiting_for=(3,))


class Request:
    """What was asked for; the states that are told, the last one for ever; and a clock that pauses move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *states: RepairStatus) -> None:
        self.asked: list[RepairSlice] = []
        self.clock = 0.0
        self.words: set[str] = set()
        told = chain(states, repeat(states[-1]))
        monkeypatch.setattr(repair, "request_repair", self.request)
        monkeypatch.setattr(repair, "repair_status", lambda *_: next(told))
        monkeypatch.setattr(repair, "ask", lambda *_: [])
        self.bar = Bar(disable=True)

    def request(self, _client: Client, slices: list[RepairSlice], *_: Any) -> str:
        self.asked += slices
        return "repair-1"

    def pause(self, seconds: float) -> None:
        self.clock += seconds
        self.words |= {task.description for task in self.bar.tasks}

    def run(self) -> RepairStatus:
        client = create_autospec(Client, instance=True)
        return Repair(client, self.bar, self.pause, lambda: self.clock).run(PLACES)


def test_days_are_asked_for_once_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request(monkeypatch, OPEN, RepairStatus(1, 1, 0, (3,)), DONE)
    assert request.run() == DONE
    assert request.asked == [RepairSlice(3, "acme", date(2026, 3, 1)), RepairSlice(3, "zen", date(2026, 3, 2))]
    assert request.words == {"computing days again"}


def test_who_is_waited_for_is_said_and_the_wait_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request(monkeypatch, OPEN)
    with pytest.raises(DeployError, match=r"no worker has begun repair repair-1 of log partitions 3 for 300 s"):
        request.run()
    assert "waiting for the workers that own log partitions 3" in request.words
