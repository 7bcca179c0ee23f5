"""Several records of one request: all of them are published, or none."""

from typing import Any
from unittest.mock import create_autospec

import pytest
from clickhouse_connect.driver.client import Client

from deploy.cli.asking import asked
from deploy.cli.asking.asked import Request
from deploy.cli.asking.options import How
from producers.control.record import ControlRecord
from producers.errors import ControlRefused
from stream_jobs.control.publisher import Published

TIME = "2026-03-28T10:00:00Z"


class FakePublisher:
    """Remembers what it was asked for."""

    asked: list[ControlRecord]

    def __init__(self, *_: Any) -> None:
        self.asked = []

    def ask(self, record: ControlRecord) -> Published:
        self.asked.append(record)
        return Published(record.control_id, {1027: len(self.asked)}, (1027,))

    def close(self) -> None:
        pass


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> FakePublisher:
    made = FakePublisher()
    monkeypatch.setattr(asked, "Publisher", lambda *_: made)
    monkeypatch.setattr(asked, "control_settings", lambda: None)
    monkeypatch.setattr(asked, "remark_on_organization", lambda _, name: f"remark: nobody knows {name}")
    return made


def body(number: int, events: int, text: str) -> dict[str, Any]:
    event = {"time": TIME, "set": dict.fromkeys(("department", "project", "feature", "plan"), text)}
    named = [{"event_id": f"0190f5fe-7c00-7a00-8{number:03}-{each:012x}"} | event for each in range(events)]
    return {"events": named}


def test_records_are_published_one_after_the_other(
    publisher: FakePublisher, capsys: pytest.CaptureFixture[str]
) -> None:
    request = Request(create_autospec(Client, instance=True), "replace", "acme", How(yes=True, author="ada"))
    request.make([body(1, 1000, "short"), body(2, 1, "short")])
    assert [len(record.content["events"]) for record in publisher.asked] == [1000, 1]
    told = capsys.readouterr()
    assert "2 records are asked for: one has room for 1,000 events or 900 KB." in told.out
    assert told.err == "remark: nobody knows acme\n"


def test_none_is_published_when_one_is_too_large(publisher: FakePublisher) -> None:
    request = Request(create_autospec(Client, instance=True), "replace", "acme", How(yes=True, author="ada"))
    with pytest.raises(ControlRefused, match="900000 are possible: split it"):
        request.make([body(1, 1, "short"), body(2, 1000, "x" * 256)])
    assert publisher.asked == []
