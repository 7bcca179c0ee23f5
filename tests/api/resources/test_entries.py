"""The directory over HTTP: pages, histories, changes; who may change what; every wrong item is named."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from api.bodies import BODY_BYTES_MAX
from tests.api.fakes import NOW, FakeDirectory, FakeWarehouse, message
from warehouse.directory.changes import Entry
from warehouse.directory.entry import BEGINNING, Key, Kind, Said, State, Statement
from warehouse.queries.directory import DirectoryEntries, EntryFilter, EntryHistory, Remark

ROOT = {"Authorization": "Bearer root"}
BOSS = {"Authorization": "Bearer boss"}
ADA = Entry(Key("acme", Kind.USER, "u1"), "Ada", "sales", "a@b", "owner", "", State.ACTIVE, {"a": "1"}, BEGINNING)
ADA_JSON = {
    "organization": "acme",
    "kind": "user",
    "id": "u1",
    "display_name": "Ada",
    "department": "sales",
    "email": "a@b",
    "role": "owner",
    "plan": "",
    "state": "active",
    "attributes": {"a": "1"},
    "since": "1970-01-01T00:00:00.000Z",
}


def test_a_page_and_the_next(client: TestClient, warehouse: FakeWarehouse) -> None:
    warehouse.answers[DirectoryEntries] = lambda query: [ADA, ADA][: query.limit]
    found = client.get("/v1/directory?kind=user&state=active&q=ad&limit=1&at=2026-03-01&organization=acme").json()
    assert found["entries"] == [ADA_JSON]
    assert (found["at"], found["organization"]) == ("2026-03-01T00:00:00.000Z", "acme")
    client.get(f"/v1/directory?limit=1&cursor={found['next_cursor']}")
    first, second = warehouse.of(DirectoryEntries)
    assert first.which == EntryFilter("acme", Kind.USER, State.ACTIVE, "ad")
    assert (first.at, first.limit) == (datetime(2026, 3, 1, tzinfo=UTC), 2)
    assert (second.which, second.at, second.after) == (EntryFilter(), NOW, ("acme", "user", "u1"))


def test_a_cursor_of_the_longest_id_is_taken(client: TestClient, warehouse: FakeWarehouse) -> None:
    longest = Entry(Key("名" * 128, Kind.DEPARTMENT, "名" * 256), "x", "", "", "", "", State.ACTIVE, {}, BEGINNING)
    warehouse.answers[DirectoryEntries] = lambda query: [longest, longest][: query.limit]
    cursor = client.get("/v1/directory?limit=1").json()["next_cursor"]
    assert client.get(f"/v1/directory?cursor={cursor}").status_code == 200


def test_an_entry_with_its_history(client: TestClient, warehouse: FakeWarehouse) -> None:
    key = Key("acme", Kind.PROMPT, "a/b?c")
    statements = [
        Statement(key, BEGINNING, Said("A", state=State.ACTIVE), NOW),
        Statement(key, datetime(2026, 3, 1, tzinfo=UTC), Said("B"), NOW),
        Statement(key, datetime(2027, 1, 1, tzinfo=UTC), Said("C"), NOW),
    ]
    warehouse.answers[EntryHistory] = lambda query: [Remark(each, "key 1", "event") for each in statements]
    found = client.get("/v1/directory/prompt/a%2Fb%3Fc?organization=acme").json()
    assert warehouse.of(EntryHistory)[0].key == key
    assert (found["entry"]["display_name"], found["entry"]["since"]) == ("B", "2026-03-01T00:00:00.000Z")
    assert [(one["effective_from"], one["display_name"], one["state"]) for one in found["history"]] == [
        ("1970-01-01T00:00:00.000Z", "A", "active"),
        ("2026-03-01T00:00:00.000Z", "B", None),
        ("2027-01-01T00:00:00.000Z", "C", None),
    ]


def test_an_entry_that_is_not_there(client: TestClient, warehouse: FakeWarehouse) -> None:
    warehouse.answers[EntryHistory] = lambda query: []
    answer = client.get("/v1/directory/user/nobody?organization=acme")
    assert message(answer, 404).startswith("acme has no user 'nobody' in its directory")
    assert message(client.get("/v1/directory/user/nobody")).startswith("organization: missing; this key is for all")
    assert client.get("/v1/directory/team/x?organization=acme").status_code == 422


def test_one_entry_is_changed(writing: TestClient, directory: FakeDirectory) -> None:
    body = {"display_name": "Ada", "role": "owner"}
    path = "/v1/directory/user/u1?organization=acme"
    answers = [writing.put(path, json=each).json() for each in (body, body, {"display_name": "Ada King"})]
    assert answers[0] == {
        "organization": "acme",
        "kind": "user",
        "id": "u1",
        "outcome": "created",
        "effective_from": "1970-01-01T00:00:00.000Z",
    }
    assert [(one["outcome"], one["effective_from"]) for one in answers[1:]] == [
        ("unchanged", None),
        ("renamed", "2026-03-14T23:30:00.000Z"),
    ]
    assert directory.calls[0][1:] == ("key 0a1b2c3d4e5f", "api")


def test_what_cannot_be_said_of_one_entry(writing: TestClient, directory: FakeDirectory) -> None:
    path = "/v1/directory/prompt/p1?organization=acme"
    assert message(writing.put(path, json={})).startswith("display_name: '' says nothing")
    assert "belongs to user only, not to a prompt" in message(writing.put(path, json={"email": "a@b"}))
    assert "effective_from: " in message(writing.put(path, json={"plan": "x", "effective_from": "2026-03-01T00:00:00"}))
    assert "name: there is no such parameter here" in message(writing.put(path, json={"name": "x"}))
    assert message(writing.put(path, content=b"{")) != ""
    assert "id: ' ' has spaces" in message(writing.put("/v1/directory/user/%20?organization=a", json={"role": "owner"}))
    assert directory.calls == []


def test_many_entries_are_changed_together(writing: TestClient, directory: FakeDirectory) -> None:
    entries = [
        {"organization": "acme", "kind": "user", "id": f"u{number}", "display_name": f"User {number}"}
        for number in range(1000)
    ]
    changes = writing.post("/v1/directory/entries", json={"entries": entries}).json()["changes"]
    assert [(one["id"], one["outcome"]) for one in changes] == [(f"u{number}", "created") for number in range(1000)]
    assert len(directory.calls) == 1
    assert message(writing.post("/v1/directory/entries", json={"entries": [*entries, entries[0]]}))
    assert message(writing.post("/v1/directory/entries", json={"entries": []}))


def test_every_wrong_item_is_named_and_nothing_is_written(writing: TestClient, directory: FakeDirectory) -> None:
    good = {"organization": "acme", "kind": "user", "id": "u1", "display_name": "Ada"}
    entries = [
        good,
        good | {"id": "u2", "role": "boss"},
        good | {"display_name": "B"},
        good | {"plan": "x", "id": "u3"},
    ]
    answer = writing.post("/v1/directory/entries", json={"entries": entries})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "invalid_items"
    assert error["items"] == [
        {"index": 1, "message": "role: 'boss' is none of owner, finance, department_manager, member; choose one"},
        {"index": 2, "message": "id: 'u1' is entries.0 already, for the same time; keep one"},
        {"index": 3, "message": "plan: 'x' belongs to customer, organization only, not to a user; leave it out"},
    ]
    assert error["message"].startswith("nothing was written: entries.1: role: 'boss' is none of")
    answer = writing.post("/v1/directory/entries", json={"entries": [good, good | {"kind": "team"}, good | {"id": 7}]})
    items = answer.json()["error"]["items"]
    assert [(item["index"], item["message"].partition(":")[0]) for item in items] == [(1, "kind"), (2, "id")]
    assert directory.calls == []


def test_a_key_of_one_organization_changes_only_its_own(writing: TestClient, directory: FakeDirectory) -> None:
    entry = {"kind": "user", "id": "u1", "display_name": "Ada"}
    foreign = entry | {"organization": "zen"}
    body = {"entries": [entry, foreign]}
    event = foreign | {"type": "prompt", "action": "archived", "time": "2026-03-14T10:00:00Z"}
    event = {name: event[name] for name in ("type", "action", "id", "time", "organization")}
    for answer in (
        writing.put("/v1/directory/user/u1?organization=zen", json={"display_name": "x"}, headers=BOSS),
        writing.post("/v1/directory/entries", json=body, headers=BOSS),
        writing.post("/v1/entities", json=event, headers=BOSS),
        writing.post("/v1/entities", json=event, headers={"Authorization": "Bearer ingest"}),
    ):
        assert "writes to the organisation 'acme' only, not to 'zen'" in message(answer, 403)
    assert directory.calls == []
    assert writing.post("/v1/directory/entries", json={"entries": [entry]}, headers=BOSS).status_code == 200
    assert writing.put("/v1/directory/user/u2", json={"role": "owner"}, headers=BOSS).status_code == 200
    assert {key.organization for key in directory.histories} == {"acme"}
    assert message(writing.put("/v1/directory/user/u2", json={"role": "owner"})).startswith("organization: missing")


def test_a_key_of_one_organization_reads_only_its_own(client: TestClient, warehouse: FakeWarehouse) -> None:
    mine = {"Authorization": "Bearer acme"}
    for path in ("/v1/directory?organization=zen", "/v1/directory/user/u1?organization=zen"):
        assert "reads the organisation 'acme' only" in message(client.get(path, headers=mine), 403)
    assert warehouse.asked == []
    warehouse.answers[DirectoryEntries] = lambda query: []
    client.get("/v1/directory", headers=mine)
    assert warehouse.of(DirectoryEntries)[0].which.organization == "acme"


@pytest.mark.parametrize("secret", ["all", "acme", "ingest"])
def test_changes_need_the_scope_admin(writing: TestClient, directory: FakeDirectory, secret: str) -> None:
    headers = {"Authorization": f"Bearer {secret}"}
    put = writing.put("/v1/directory/user/u1?organization=acme", json={"role": "owner"}, headers=headers)
    item = {"organization": "acme", "kind": "user", "id": "u", "role": "owner"}
    post = writing.post("/v1/directory/entries", json={"entries": [item]}, headers=headers)
    for answer in (put, post):
        assert "lacks the scope `admin`; create one with `./tally keys create --scope admin`" in message(answer, 403)
    assert directory.calls == []


def test_without_a_user_who_may_write_it_says_so(client: TestClient) -> None:
    answer = client.put("/v1/directory/user/u1?organization=acme", json={"role": "owner"}, headers=ROOT)
    assert "set TALLY_API_WRITER_PASSWORD_FILE" in message(answer, 503)


def test_a_body_that_is_too_long_is_refused_before_the_key_is_looked_at(writing: TestClient) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(BODY_BYTES_MAX // 2**20 + 1):
            yield b" " * 2**20

    answer = writing.post("/v1/directory/entries", content=parts(), headers={"Authorization": "Bearer nobody"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
