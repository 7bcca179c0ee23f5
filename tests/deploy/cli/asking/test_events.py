"""How people name events, and what becomes of it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest
from clickhouse_connect.driver.client import Client

from deploy.cli.asking import events as module
from deploy.cli.asking.bodies import bodies
from deploy.cli.asking.event_file import read_file
from deploy.cli.asking.events import Named, identified, named, settings
from deploy.cli.asking.options import Events, Selected, Sets
from deploy.errors import WrongSetting
from producers.control.record import ControlRecord
from producers.control.request import content_of
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
    with pytest.raises(WrongSetting, match=f"acme has no event {ID}; .* give its time as --event ID@TIME, like 2026"):
        list(identified(CLIENT, "acme", named([ID])))
    with pytest.raises(WrongSetting, match=r"event a@soon \('soon' is no time\); .* as --event ID@TIME, like"):
        list(identified(CLIENT, "acme", named(["a@soon"])))
    with pytest.raises(WrongSetting, match=r"a\.csv line 2: .* event a@b; .* give its time in the column time"):
        list(identified(CLIENT, "acme", [Named("a@b", None, "a.csv line 2", is_in_file=True)]))
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
        ("a.ndjson", '{"event_id": "\\ud800"}\n', "a.ndjson line 1: event_id has half of a surrogate pair"),
        ("a.ndjson", "[" * 100_000, "a.ndjson line 1: no JSON"),
        ("a.ndjson", "7\n", "a.ndjson line 1: a JSON object is needed"),
        ("a.txt", "x", "name the file .csv or .ndjson"),
    ],
)
def test_files_that_cannot_be_meant(tmp_path: Path, name: str, text: str, problem: str) -> None:
    with pytest.raises(WrongSetting, match=problem):
        read_file(written(tmp_path, name, text))


def test_a_text_may_hold_what_ends_lines_elsewhere(tmp_path: Path) -> None:
    lines = "".join(f'{{"event_id": "call-{number}", "category": "a\u2028b\x85c"}}\r\n' for number in (1, 2))
    path = tmp_path / "a.ndjson"
    path.write_bytes(lines.encode())
    assert read_file(path) == [
        Named(f"call-{number}", None, f"a.ndjson line {number}", {"category": "a\u2028b\x85c"}) for number in (1, 2)
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.ndjson"])
def test_a_file_of_another_encoding_is_told_with_its_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes("event_id,category\nx,caf\u00e9\n".encode("cp1252"))
    with pytest.raises(WrongSetting, match=f"{name} line 2: there are bytes that are no UTF-8: save it as UTF-8"):
        read_file(path)


def test_what_is_set() -> None:
    assert settings(["rating=5", "category=", "note=a=b"]) == {"rating": "5", "category": "", "note": "a=b"}
    for text in ("rating", "=5"):
        with pytest.raises(WrongSetting, match="write COLUMN=VALUE"):
            settings([text])


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


def test_an_amount_set_to_nothing_is_cleared(tmp_path: Path) -> None:
    which = Selected("acme", model="m")
    (body,) = meant("amend", which, Events(), Sets(["rating=", "category="]))
    assert body["set"] == {"category": "", "clear": ["rating"]}
    (body,) = meant("replace", which, Events(), Sets(["duration_ms=", "reported_cost_usd="]))
    assert body["set"] == {"clear": ["duration_ms", "reported_cost_usd"]}
    with pytest.raises(WrongSetting, match="--set duration_ms: amend sets no such column"):
        meant("amend", which, Events(), Sets(["duration_ms="]))
    rows = "a,2026-03-28,1,\nb,2026-03-28,,rating\nc,2026-03-28,,\n"
    file = written(tmp_path, "a.csv", f"event_id,time,rating,clear\n{rows}")
    (body,) = meant("amend", Selected("acme"), Events(file=file), Sets(["rating=5"]))
    assert [event["set"] for event in body["events"]] == [{"rating": "1"}, {"clear": ["rating"]}, {"rating": "5"}]
    (body,) = meant("amend", Selected("acme"), Events(file=file), Sets(["rating=", "category=x"]))
    cleared = {"category": "x", "clear": ["rating"]}
    assert [event["set"] for event in body["events"]] == [{"rating": "1", "category": "x"}, cleared, cleared]
    for wrong in ("5", '"plan"', '[["rating"]]'):
        file = written(tmp_path, "a.ndjson", f'{{"event_id": "a", "time": "2026-03-28", "clear": {wrong}}}')
        with pytest.raises(WrongSetting, match=r"a.ndjson line 1: clear: .*: name amounts, of rating, duration_ms"):
            meant("amend", Selected("acme"), Events(file=file), Sets())


def test_an_empty_amount_of_a_row_takes_nothing_away(tmp_path: Path) -> None:
    for kind, name in (("amend", "rating"), ("replace", "duration_ms"), ("replace", "reported_cost_usd")):
        file = written(tmp_path, "a.ndjson", f'{{"event_id": "a", "time": "2026-03-28", "{name}": ""}}')
        with pytest.raises(WrongSetting, match=f"a.ndjson line 1: {name}: it is empty: leave it out, or name it under"):
            meant(kind, Selected("acme"), Events(file=file), Sets())


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("c,2026-03-28,,duration_ms", "clear: an amendment does not change duration_ms: replace the event"),
        ("c,2026-03-28,2,rating", "rating is set and cleared: say one of them"),
    ],
)
def test_what_cannot_be_cleared_is_told_with_its_line(tmp_path: Path, row: str, words: str) -> None:
    file = written(tmp_path, "a.csv", f"event_id,time,rating,clear\na,2026-03-28,1,\nb,2026-03-28,1,\n{row}\n")
    with pytest.raises(WrongSetting, match=f"a.csv line 4: {words}"):
        meant("amend", Selected("acme"), Events(file=file), Sets())


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


def test_an_event_is_named_once(tmp_path: Path) -> None:
    rows = f"{ID},2026-03-28T10:00:00.25Z\n{ID},2026-03-28\n{ID.upper()},2026-03-28T11:00:00.250999+01:00\n"
    file = written(tmp_path, "a.csv", f"event_id,time\n{rows}")
    with pytest.raises(WrongSetting, match=r"a.csv line 4: the event .* is named twice, first in a.csv line 2"):
        meant("void", Selected("acme"), Events(file=file), None)


LINES = "".join(f"call-{number},2026-03-28,1\n" for number in range(2, 1456))


@pytest.mark.parametrize(
    ("text", "sets", "problem"),
    [
        (f"event_id,time,input_tokens\n{LINES}x,2026-03-28,many\n", [], "a.csv line 1456: input_tokens: Input should"),
        (
            "event_id,time,ratign\nx,2026-03-28,1\n",
            [],
            "a.csv line 2: ratign: replace sets no such column; it sets ",
        ),
        ("event_id,time,rating\nx,2026-03-28,1\ny,2026-03-28,\n", [], "a.csv line 3: it sets nothing: say what"),
        ("event_id,time,rating\nx,2026-03-28,1\n", ["plan=a\nb"], "--set plan: control characters are not allowed"),
        (
            "event_id,time,quantities\nx,2026-03-28,7 s\n",
            [],
            "a.csv line 2: quantities: 7 s is no JSON: write them",
        ),
        ("event_id,time,quantities\nx,2026-03-28,7\n", [], "a.csv line 2: quantities: Input should be an object"),
    ],
)
def test_what_a_row_cannot_set_is_told_with_its_line_and_column(
    tmp_path: Path, text: str, sets: list[str], problem: str
) -> None:
    with pytest.raises(WrongSetting, match=problem):
        meant("replace", Selected("acme"), Events(file=written(tmp_path, "a.csv", text)), Sets(sets))


def test_a_null_in_a_row_is_told_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, "a.ndjson", '{"event_id": "x", "time": "2026-03-28", "rating": null}')
    with pytest.raises(WrongSetting, match=r"a.ndjson line 1: rating: null says nothing: leave it out"):
        meant("amend", Selected("acme"), Events(file=file), Sets())


def test_a_selection_is_set_to_what_can_be() -> None:
    with pytest.raises(WrongSetting, match="--set rating: Input should be less than or equal to 5"):
        meant("amend", Selected("acme", model="m"), Events(), Sets(["rating=6"]))


def test_quantities_are_written_as_json(tmp_path: Path) -> None:
    text = 'event_id,time,quantities\nx,2026-03-28,"{""web_searches"": 3}"\ny,2026-03-28,\n'
    file = written(tmp_path, "a.csv", text)
    (body,) = meant("replace", Selected("acme"), Events(file=file), Sets(["quantities={}"]))
    assert [event["set"] for event in body["events"]] == [{"quantities": {"web_searches": 3}}, {"quantities": {}}]


def test_large_events_become_several_records_each_of_which_can_be_published(tmp_path: Path) -> None:
    columns = ("category", "department", "project", "feature", "plan", "user_id")
    texts = dict.fromkeys(columns, '"\u00e9' * 128)
    lines = "".join(json.dumps({"event_id": f"c{n}", "time": "2026-03-28", **texts}) + "\n" for n in range(900))
    file = written(tmp_path, "a.ndjson", lines)
    found = meant("replace", Selected("acme"), Events(file=file), Sets())
    assert len(found) > 1
    assert [event["event_id"] for body in found for event in body["events"]] == [
        str(event_uuid("acme", f"c{number}")) for number in range(900)
    ]
    for body in found:
        content = content_of("replace", "acme", body)
        assert len(ControlRecord(ID, "replace", "acme", content, "ada", "why", TIME).value(1)) > 300_000
