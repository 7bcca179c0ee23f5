"""Asking for changes over HTTP: who may ask for what, what is refused, and what is handed on."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.errors import Conflict
from producers.control.record import ControlRecord
from stream_jobs.control.difference import Difference, Line, Move
from stream_jobs.control.publisher import Published
from tests.api.fakes import NOW, FakeWarehouse, Key
from tokentally.identity import event_uuid
from warehouse.control.history import History, StoredRevision
from warehouse.control.met import Totals
from warehouse.control.orders import Order
from warehouse.control.records import Asked, Followed, RecordPosition, Records, Standings
from warehouse.control.standing import Slices, Standing

ID = str(UUID(int=42))
VOID = {"kind": "void", "organization": "acme", "body": {"selection": {"model": "gpt-4o"}}, "note": "a test"}
TIME = "2026-03-14T10:00:00.118+01:00"


@dataclass(frozen=True, slots=True)
class ManyKeys:
    """Keys by what they may do."""

    def authenticate(self, secret: str) -> Key | None:
        return {
            "all": Key(None, ("admin",), "root"),
            "acme": Key("acme", ("admin",), "k7"),
            "sender": Key("acme", ("ingest",), "k8"),
            "senders": Key(None, ("ingest",), "k9"),
            "reader": Key("acme", ("read",), "k6"),
        }.get(secret)


@dataclass(slots=True)
class FakeControl:
    """Remembers what it was asked."""

    records: list[ControlRecord] = field(default_factory=list)
    orders: list[tuple[str, Order, str]] = field(default_factory=list)
    tried: list[ControlRecord] = field(default_factory=list)
    failure: Exception | None = None

    async def ask(self, record: ControlRecord) -> Published:
        if self.failure:
            raise self.failure
        self.records.append(record)
        return Published(record.control_id, {3: 17}, (3, 4))

    async def order(self, control_id: str, order: Order, author: str) -> bool:
        if self.failure:
            raise self.failure
        self.orders.append((control_id, order, author))
        return True

    async def difference(self, record: ControlRecord) -> Difference:
        self.tried.append(record)
        line = Line(date(2026, 3, 14), "gpt-4o", Totals(2, 10, 5, 1_500_000_001, 7, 2_000_001), Totals())
        return Difference((line,), (Move("category", "", "code", 2),), 9, 4, date(2026, 1, 2), 2)

    async def plan(self, *_: Any) -> Any:
        raise NotImplementedError

    async def change(self, *_: Any) -> Any:
        raise NotImplementedError

    async def agree(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    async def change_calendar(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


@pytest.fixture
def control() -> FakeControl:
    return FakeControl()


@pytest.fixture
def client(warehouse: FakeWarehouse, control: FakeControl) -> TestClient:
    return TestClient(create_app(warehouse, ManyKeys(), lambda: NOW, control=control), raise_server_exceptions=False)


def as_(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def refused(client: TestClient, secret: str, **changes: Any) -> tuple[int, str]:
    answer = client.post("/v1/control", json=VOID | changes, headers=as_(secret))
    return answer.status_code, answer.json()["error"]["message"]


def test_what_is_asked_for_is_handed_on(client: TestClient, control: FakeControl) -> None:
    answer = client.post("/v1/control", json=VOID | {"control_id": ID}, headers=as_("all"))
    assert answer.status_code == 202
    assert answer.json() == {
        "control_id": ID,
        "places": [{"partition": 3, "offset": 17}, {"partition": 4, "offset": None}],
        "difference": None,
    }
    (record,) = control.records
    content = {"events": [], "selection": {"model": "gpt-4o"}}
    assert record == ControlRecord(ID, "void", "acme", content, "key root", "a test", NOW)


def test_a_key_of_one_organization_asks_about_its_own(client: TestClient, control: FakeControl) -> None:
    mine = {name: value for name, value in VOID.items() if name != "organization"}
    assert client.post("/v1/control", json=mine, headers=as_("acme")).status_code == 202
    repair = {"kind": "repair", "body": {"first": "2026-03-01", "last": "2026-03-02"}}
    assert client.post("/v1/control", json=repair, headers=as_("acme")).status_code == 202
    assert [record.organization for record in control.records] == ["acme", "acme"]
    assert client.post("/v1/control", json=repair, headers=as_("all")).status_code == 202
    assert control.records[-1].organization == ""
    japanese = VOID | {"organization": "株式会社\u3000東京"}
    assert client.post("/v1/control", json=japanese, headers=as_("all")).status_code == 202
    assert control.records[-1].organization == japanese["organization"]


def test_who_may_not_ask(client: TestClient, control: FakeControl) -> None:
    config = {"subject": "prices", "revision": 1, "content_hash": "0" * 64}
    assert client.post("/v1/control", json=VOID).status_code == 401
    assert refused(client, "reader")[0] == 403
    assert "lacks the scope `admin`" in refused(client, "sender")[1]
    assert "writes to the organisation 'acme' only, not to 'zen'" in refused(client, "acme", organization="zen")[1]
    status, message = refused(client, "acme", kind="config", body=config)
    assert (status, "needs a key for every organisation" in message) == (403, True)
    assert control.records == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "drop"}, "kind: Input should be 'config'"),
        ({"body": {}}, "void: give either `events` or a `selection`"),
        ({"body": {"selection": {}}}, "void: a selection of everything is refused"),
        (
            {"body": {"selection": {"status": "ok"}}},
            "void: selection.status: 'ok' is none of success, error, cancelled",
        ),
        ({"body": {"selection": {"modle": "x"}}}, "selection.modle: there is no such field here; leave it out"),
        ({"organization": None}, "void: name the organization it is about"),
        ({"control_id": "7"}, "control_id: Input should be a valid UUID"),
        ({"surprise": 1}, "surprise: there is no such parameter"),
        ({"kind": "erase", "body": {}}, "erase: say what to erase: either `user_id`, or `everything`: true"),
        ({"kind": "erase", "body": {"user_id": None}}, "erase: say what to erase"),
        ({"body": {"selection": {"user_id": None, "since": TIME}}}, "void: selection.user_id: null says nothing"),
    ],
)
def test_what_cannot_be_asked_for(
    client: TestClient, control: FakeControl, changes: dict[str, Any], message: str
) -> None:
    status, told = refused(client, "all", **changes)
    assert status == 422
    assert message in told
    assert control.records == []


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_whole_organization_is_erased_only_when_that_is_said(
    client: TestClient, control: FakeControl, *, dry_run: bool
) -> None:
    asked = {"kind": "erase", "note": "they left", "dry_run": dry_run}
    for unsaid in ({}, {"user_id": None}, {"everything": False}, {"everything": 1}):
        assert client.post("/v1/control", json=asked | {"body": unsaid}, headers=as_("acme")).status_code == 422
    said = asked | {"body": {"everything": True}}
    assert client.post("/v1/control", json=said, headers=as_("acme")).status_code == 202
    (record,) = control.tried if dry_run else control.records
    assert (record.kind, record.organization, record.content) == ("erase", "acme", {})


def test_a_revision_must_be_stored_first(client: TestClient, warehouse: FakeWarehouse, control: FakeControl) -> None:
    stored = StoredRevision("prices", "", 2, "a" * 64, "ada", "", "", NOW, "")
    warehouse.answers[History] = lambda query: [stored] if query.revision == 2 else []
    body = {"subject": "prices", "revision": 2, "content_hash": "a" * 64}
    asked = {"kind": "config", "organization": None, "body": body}
    assert (
        "there is no prices revision 2 with this"
        in refused(client, "all", **asked | {"body": body | {"content_hash": "b" * 64}})[1]
    )
    assert "no prices revision 3" in refused(client, "all", **asked | {"body": body | {"revision": 3}})[1]
    assert client.post("/v1/control", json=VOID | asked, headers=as_("all")).status_code == 202
    assert len(control.records) == 1


def test_a_dry_run_asks_for_nothing(client: TestClient, control: FakeControl) -> None:
    answer = client.post("/v1/control", json=VOID | {"dry_run": True}, headers=as_("all")).json()
    assert (answer["control_id"], answer["places"], control.records) == (None, [], [])
    found = answer["difference"]
    assert (found["named"], found["met"], found["gone"], found["awaited"]) == (9, 2, 2, 1)
    assert (found["left"], found["first_whole_day"]) == (4, "2026-01-02")
    assert found["before"] == found["lines"][0]["before"]
    assert found["before"]["cost_usd"] == "1.500000001"
    assert found["before"]["credits"] == "2.000001"
    assert found["after"]["requests"] == 0
    assert found["moves"] == [{"column": "category", "before": "", "after": "code", "events": 2}]


def test_another_request_under_the_same_id(client: TestClient, control: FakeControl) -> None:
    control.failure = Conflict("control_id: it was used for another request")
    answer = client.post("/v1/control", json=VOID, headers=as_("all"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


STAYED = {"too dear": 3}


def followed(organization: str = "acme") -> Followed:
    asked = Asked(ID, "void", organization, "ada", "why", NOW, (3,), {"selection": {}})
    slices = Slices(4, done=1, waiting=3, events=7, messages=("too much",))
    return Followed(
        asked, (Standing(3, "void", 17, "applied", job="planned", planned=4, slices=slices, awaited=2, stayed=STAYED),)
    )


def known(warehouse: FakeWarehouse, *found: Followed) -> None:
    def records(query: Records) -> list[Asked]:
        return [each.asked for each in found if query.control_id in (None, each.asked.control_id)][: query.limit]

    warehouse.answers[Records] = records
    warehouse.answers[Standings] = lambda query: list(found)[: len(query.records)]


def test_one_record(client: TestClient, warehouse: FakeWarehouse) -> None:
    known(warehouse, followed())
    answer = client.get(f"/v1/control/{ID}", headers=as_("acme")).json()
    stayed = "3 named events that came later stay as they were: too dear, or of the prices"
    assert (answer["state"], answer["slices"]["total"], answer["messages"]) == ("working", 4, ["too much", stayed])
    (place,) = answer["places"]
    assert (place["offset"], place["awaited"], place["stayed"]) == (17, 2, 3)
    assert answer["body"] == {"selection": {}}
    assert client.get(f"/v1/control/{UUID(int=1)}", headers=as_("acme")).status_code == 404


def test_the_list_and_its_pages(client: TestClient, warehouse: FakeWarehouse) -> None:
    known(warehouse, followed(), followed())
    answer = client.get("/v1/control?limit=1", headers=as_("all")).json()
    assert [each["control_id"] for each in answer["records"]] == [ID]
    rest = client.get("/v1/control", params={"cursor": answer["next_cursor"]}, headers=as_("acme")).json()
    assert rest["next_cursor"] is None
    last = warehouse.of(Records)[-1]
    assert (last.after, last.organization, last.limit) == (RecordPosition(NOW, ID), "acme", 101)
    assert client.get("/v1/control?state=done", headers=as_("all")).json()["records"] == []
    assert client.get("/v1/control?organization=zen", headers=as_("acme")).status_code == 403
    assert client.get("/v1/control?cursor=abc", headers=as_("all")).status_code == 422


@pytest.mark.parametrize("order", list(Order))
def test_orders(client: TestClient, warehouse: FakeWarehouse, control: FakeControl, order: Order) -> None:
    known(warehouse, followed())
    answer = client.post(f"/v1/control/{ID}/{order}", headers=as_("acme"))
    assert answer.json() == {"control_id": ID, "order": order, "changed": True, "awaited": 2}
    assert control.orders == [(ID, order, "key k7")]


def test_nobody_orders_or_sees_what_is_about_others(
    client: TestClient, warehouse: FakeWarehouse, control: FakeControl
) -> None:
    for whose in ("zen", ""):
        known(warehouse, followed(whose))
        assert client.get(f"/v1/control/{ID}", headers=as_("acme")).status_code == 404
        assert client.post(f"/v1/control/{ID}/cancel", headers=as_("acme")).status_code == 404
    assert control.orders == []


def test_feedback_amends(client: TestClient, control: FakeControl) -> None:
    events = [
        {"event_id": "call-1", "time": TIME, "rating": 5},
        {"event_id": ID, "time": TIME, "category": "c" * 256, "rating": 1},
        {"event_id": "call-2", "time": TIME, "clear": ["rating"]},
    ]
    answer = client.post("/v1/feedback", json={"events": events}, headers=as_("sender"))
    assert (answer.status_code, answer.json()["events"]) == (202, 3)
    (record,) = control.records
    assert (record.kind, record.organization, record.author, record.note) == ("amend", "acme", "key k8", "feedback")
    time = "2026-03-14T09:00:00.118000Z"
    assert record.content == {
        "events": [
            {"event_id": str(event_uuid("acme", "call-1")), "time": time, "set": {"rating": 5}},
            {"event_id": ID, "time": time, "set": {"category": "c" * 256, "rating": 1}},
            {"event_id": str(event_uuid("acme", "call-2")), "time": time, "set": {"clear": ["rating"]}},
        ]
    }
    assert datetime.fromisoformat(time) == datetime(2026, 3, 14, 9, 0, 0, 118_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("secret", "body", "status", "message"),
    [
        ("reader", {"events": [{"event_id": "a", "time": TIME, "rating": 5}]}, 403, "lacks the scope `ingest` or"),
        ("senders", {"events": [{"event_id": "a", "time": TIME, "rating": 5}]}, 422, "organization: missing"),
        ("sender", {"events": []}, 422, "events: List should have at least 1"),
        ("sender", {"events": [{"event_id": "a", "time": TIME}]}, 422, "`set` is empty"),
        (
            "sender",
            {"events": [{"event_id": "a", "time": TIME, "rating": 1, "clear": ["rating"]}]},
            422,
            "rating is set and cleared: say one of them",
        ),
        ("sender", {"events": [{"event_id": "a", "time": TIME, "clear": ["plan"]}]}, 422, "events.0.clear.0: Input"),
        ("sender", {"events": [{"event_id": "a", "time": TIME, "rating": 6}]}, 422, "events.0.rating: Input should"),
        ("sender", {"events": [{"event_id": "a", "time": TIME, "category": "a\n"}]}, 422, "events.0.category: String"),
        ("sender", {"events": [{"event_id": "a", "time": "2026-03-14T10:00:00", "rating": 5}]}, 422, "timezone"),
        ("sender", {"events": [{"event_id": "a", "time": TIME, "rating": 5}] * 2}, 422, "an event is named twice"),
        ("sender", {"events": [{"event_id": "a", "time": TIME, "rating": 5}] * 1001}, 422, "at most 1000"),
        (
            "sender",
            {"organization": "zen", "events": [{"event_id": "a", "time": TIME, "rating": 5}]},
            403,
            "'acme' only",
        ),
    ],
)
def test_feedback_that_is_refused(
    client: TestClient, control: FakeControl, secret: str, body: dict[str, Any], status: int, message: str
) -> None:
    answer = client.post("/v1/feedback", json=body, headers=as_(secret))
    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]
    assert control.records == []


def test_an_api_that_may_only_read(warehouse: FakeWarehouse) -> None:
    client = TestClient(create_app(warehouse, ManyKeys(), lambda: NOW))
    answer = client.post("/v1/control", json=VOID, headers=as_("all"))
    assert answer.status_code == 503
    assert "may not write to the warehouse" in answer.json()["error"]["message"]
