"""How people name events, and what becomes of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest
from clickhouse_connect.driver.client import Client

from deploy.cli.asking import events as module
from deploy.cli.asking.bodies import bodies
from deploy.cli.asking.events import Named, identified, named, read_file, settings, unique
from deploy.cli.asking.options import Events, Selected, Sets
from deploy.errors import WrongSetting
from tokentally.identity import event_uuid
from warehouse.control.event_times import EventTimes

ID = "0190f5fe-7c00-7a00-8000-000000000001"
TIME = datetime(2026, 3, 28, 10, 0, 0, 250_000, UTC)
CLIENT = create_autospec(Client, instance=True)


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[datetime, ...]]:
    """What the warehouse knows."""
    known: dict[str, tuple[datetime, ...]] = {}

    def ask(_client: Client, query: EventTimes) -> Mapping[str, tuple[datetime, ...]]:
        return {name: known[name] for name in query.event_ids if name in known}

    monkeypatch.setattr(module, "ask", ask)
    return known


@pytest.mark.parametrize(
    ("text", "event_id", "time"),
    [
        (ID, ID, None),
        (f"{ID}@2026-03-28T10:00:00.250Z", ID, TIME),
        (f"{ID}@2026-03-28T11:00:00.250+01:00", ID, TIME),
        ("ada@example.org", "ada@example.org", None),
        ("ada@example.org@2026-03-28T10:00:00.250", "ada@example.org", TIME),
    ],
)
def test_an_event_by_its_id(text: str, event_id: str, time: datetime | None) -> None:
    (found,) = named([text])
    assert (found.event_id, found.time) == (event_id, time)


def test_a_time_is_looked_up(times: dict[str, tuple[datetime, ...]]) -> None:
    times[ID] = times[str(event_uuid("acme", "call-1"))] = (TIME,)
    found = list(identified(CLIENT, "acme", named([ID, "call-1"])))
    assert found == [
        {"event_id": ID, "time": TIME.isoformat()},
        {"event_id": str(event_uuid("acme", "call-1")), "time": TIME.isoformat()},
    ]


def test_an_unknown_or_ambiguous_event_needs_its_time(times: dict[str, tuple[datetime, ...]]) -> None:
    with pytest.raises(WrongSetting, match=f"acme has no event {ID}; .* give its time: {ID}@TIME"):
        list(identified(CLIENT, "acme", named([ID])))
    times[ID] = (TIME, TIME.replace(hour=11))
    with pytest.raises(WrongSetting, match=r"at 2026-03-28T10:00:00.250\+00:00, 2026-03-28T11.*: give the time"):
        list(identified(CLIENT, "acme", named([ID])))


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_files(tmp_path: Path) -> None:
    csv = written(tmp_path, "a.csv", f"event_id,time,rating,category\n{ID},2026-03-28T10:00:00.25Z,5,\ncall-1,,,code\n")
    assert read_file(csv) == [
        Named(ID, TIME, "a.csv line 2", {"rating": "5"}),
        Named("call-1", None, "a.csv line 3", {"category": "code"}),
    ]
    lines = f'{{"event_id": "{ID}", "time": "2026-03-28T10:00:00.25Z", "category": "", "input_tokens": 7}}\n\n'
    ndjson = written(tmp_path, "a.ndjson", lines)
    assert read_file(ndjson) == [Named(ID, TIME, "a.ndjson line 1", {"category": "", "input_tokens": 7})]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.csv", "time\n2026-03-28\n", "a.csv line 2: event_id is missing"),
        ("a.csv", "event_id,time\nx\n", "a.csv line 2: not as many cells as columns"),
        ("a.csv", "event_id,time\nx,yesterday\n", "a.csv line 2: time yesterday: write a date"),
        ("a.csv", "event_id,time\n", "there is no event in it"),
        ("a.ndjson", "{\n", "a.ndjson line 1: no JSON"),
        ("a.ndjson", "7\n", "a.ndjson line 1: a JSON object is needed"),
        ("a.txt", "x", "name the file .csv or .ndjson"),
    ],
)
def test_files_that_cannot_be_meant(tmp_path: Path, name: str, text: str, problem: str) -> None:
    with pytest.raises(WrongSetting, match=problem):
        read_file(written(tmp_path, name, text))


def test_what_is_set() -> None:
    assert settings(["rating=5", "category=", "note=a=b"]) == {"rating": "5", "category": "", "note": "a=b"}
    for text in ("rating", "=5"):
        with pytest.raises(WrongSetting, match="write COLUMN=VALUE"):
            settings([text])


def test_an_event_is_named_once() -> None:
    one = {"event_id": ID, "time": "2026-03-28T10:00:00Z"}
    with pytest.raises(WrongSetting, match="is named twice"):
        unique([one, {"event_id": ID.upper(), "time": "2026-03-28T11:00:00+01:00"}])
    unique([one, one | {"time": "2026-03-28T11:00:00Z"}])


def meant(kind: str, which: Selected, events: Events, sets: Sets | None) -> list[dict[str, Any]]:
    return bodies(CLIENT, kind, which, events, sets)


def test_a_selection() -> None:
    which = Selected("acme", since="2026-03-28", user="", model="gpt-4o")
    assert meant("amend", which, Events(), Sets(["rating=5"])) == [
        {
            "selection": {"since": "2026-03-28T00:00:00+00:00", "user_id": "", "model": "gpt-4o"},
            "set": {"rating": "5"},
        }
    ]
    assert meant("void", which, Events(), None) == [
        {"selection": {"since": "2026-03-28T00:00:00+00:00", "user_id": "", "model": "gpt-4o"}}
    ]


def test_many_events_become_several_records(tmp_path: Path) -> None:
    rows = "".join(f"call-{number},2026-03-28T10:00:00Z\n" for number in range(2001))
    file = written(tmp_path, "many.csv", "event_id,time\n" + rows)
    found = meant("void", Selected("acme"), Events(file=file), None)
    assert [len(body["events"]) for body in found] == [1000, 1000, 1]
    assert len({event["event_id"] for body in found for event in body["events"]}) == 2001


def test_a_row_of_its_own_wins_over_set(tmp_path: Path) -> None:
    file = written(tmp_path, "a.csv", "event_id,time,rating\na,2026-03-28,1\nb,2026-03-28,\n")
    (body,) = meant("amend", Selected("acme"), Events(file=file), Sets(["rating=5"]))
    assert [event["set"] for event in body["events"]] == [{"rating": "1"}, {"rating": "5"}]
    with pytest.raises(WrongSetting, match=r"void sets nothing: .* not rating"):
        meant("void", Selected("acme"), Events(file=file), None)


@pytest.mark.parametrize(
    ("which", "events", "problem"),
    [
        (Selected(), Events([ID]), "--organization: say whose usage"),
        (Selected("acme"), Events(), "say which usage, in one way"),
        (Selected("acme", model="x"), Events([ID]), "say which usage, in one way"),
        (Selected("acme", since="now"), Events(), "--since now: write a date"),
    ],
)
def test_what_cannot_be_meant(which: Selected, events: Events, problem: str) -> None:
    with pytest.raises(WrongSetting, match=problem):
        meant("void", which, events, None)
