"""Events about entities: a product tells what was created, renamed and archived, late and more than once."""

from itertools import permutations
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.fakes import FakeDirectory, message
from warehouse.directory.changes import in_force
from warehouse.directory.entry import Key, Kind, State

INGEST = {"Authorization": "Bearer ingest"}
EVENTS: list[dict[str, Any]] = [
    {"action": "created", "name": "Draft", "time": "2026-03-01T08:00:00Z"},
    {"action": "renamed", "name": "Report", "time": "2026-03-02T08:00:00+01:00"},
    {"action": "archived", "time": "2026-03-03T08:00:00Z"},
]


def send(client: TestClient, **event: Any) -> Any:
    return client.post("/v1/entities", json={"type": "prompt", "id": "p1"} | event, headers=INGEST)


def test_each_holds_from_its_own_time(writing: TestClient, directory: FakeDirectory) -> None:
    answers = [send(writing, **event).json() for event in EVENTS]
    assert answers[1] == {
        "organization": "acme",
        "kind": "prompt",
        "id": "p1",
        "outcome": "renamed",
        "effective_from": "2026-03-02T07:00:00.000Z",
    }
    assert [answer["outcome"] for answer in answers] == ["created", "renamed", "archived"]
    assert {call[1:] for call in directory.calls} == {("key 0a1b2c3d4e5f", "event")}
    assert send(writing, **EVENTS[0]).json()["outcome"] == "unchanged"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_late_event_never_undoes_a_newer_name(
    writing: TestClient, directory: FakeDirectory, order: tuple[int, ...]
) -> None:
    for number in (*order, *order):
        assert send(writing, **EVENTS[number]).status_code == 200
    history = directory.histories[Key("acme", Kind.PROMPT, "p1")]
    assert len(history) == 3
    newest = in_force(history, history[-1].effective_from)
    assert newest is not None
    assert (newest.display_name, newest.state) == ("Report", State.ARCHIVED)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (EVENTS[0] | {"name": None}, "name: missing; send the name of what was created"),
        (EVENTS[1] | {"name": " "}, "name: '' is empty; give one"),
        (EVENTS[0] | {"time": "2026-03-14T23:46:00Z"}, "time: 2026-03-14T23:46:00.000Z is in the future"),
        (EVENTS[0] | {"time": "2026-03-14T23:30:00"}, "time: "),
        (EVENTS[0] | {"time": "1969-03-14T23:30:00Z"}, "must lie from 1970"),
        (EVENTS[0] | {"action": "deleted"}, "action: Input should be 'created', 'renamed' or 'archived'"),
        (
            EVENTS[0] | {"type": "organization"},
            "type: an organization is no entity of a product; PUT /v1/organizations/NAME says its name",
        ),
        (EVENTS[0] | {"type": "team"}, "type: Input should be 'department'"),
        (EVENTS[0] | {"id": ""}, "id: '' is empty"),
        (EVENTS[0] | {"title": "x"}, "title: there is no such parameter here"),
    ],
)
def test_what_cannot_have_happened(
    writing: TestClient, directory: FakeDirectory, event: dict[str, Any], text: str
) -> None:
    assert text in message(send(writing, **event))
    assert directory.calls == []


def test_the_scope_ingest_or_admin_is_needed(writing: TestClient) -> None:
    event = {"type": "prompt", "id": "p", "organization": "acme"} | EVENTS[0]
    for secret, status in {"ingest": 200, "boss": 200, "root": 200, "acme": 403, "nobody": 401}.items():
        answer = writing.post("/v1/entities", json=event, headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == status, answer.text
    assert "lacks the scope `ingest` or `admin`" in message(
        writing.post("/v1/entities", json=event, headers={"Authorization": "Bearer acme"}), 403
    )
