"""Organisations over HTTP: registered, renamed from a moment on, and counted in another calendar from a day on."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.control import Control
from stream_jobs.configuring.calendar import Calendar, Changed, Plan, Standing, decided
from stream_jobs.configuring.change import Asked
from stream_jobs.control.publisher import Published
from tests.api import fakes
from tests.api.fakes import NOW, FakeDirectory, FakeKeys, FakeWarehouse, message
from warehouse.control.revisions import Revision, content_hash
from warehouse.organizations import Organization
from warehouse.queries.organizations import ComingCalendar, Organizations

BOSS = {"Authorization": "Bearer boss"}
PARIS = Standing(Calendar("Europe/Paris", 1), None)
TOKYO = {"time_zone": "Asia/Tokyo", "week_start": 7, "first_day": "2026-04-01", "note": "moved"}


@dataclass(slots=True)
class FakeControl:
    """Everyone counts in Paris; remembers what was stored."""

    stored: list[tuple[Plan, Asked]] = field(default_factory=list)

    async def change_calendar(
        self, organization: str, wish: Calendar, day: date, asked: Asked, *, dry_run: bool
    ) -> tuple[Plan, Changed | None]:
        plan = decided(organization, wish, day, PARIS, asked.now)
        if dry_run:
            return plan, None
        self.stored.append((plan, asked))
        revision = Revision("calendar", organization, 1, content_hash(plan.content), plan.content)
        return plan, Changed(plan, revision, Published(revision.control_id, {3: 7}, (3,)))


@pytest.fixture
def control() -> FakeControl:
    return FakeControl()


@pytest.fixture
def client(warehouse: FakeWarehouse, directory: FakeDirectory, control: FakeControl) -> Iterator[TestClient]:
    app = create_app(warehouse, FakeKeys(), lambda: NOW, directory=directory, control=cast(Control, control))
    with TestClient(app, headers={"Authorization": "Bearer root"}, raise_server_exceptions=False) as client:
        yield client


def put(client: TestClient, name: str, **body: Any) -> dict[str, Any]:
    answer = client.put(f"/v1/organizations/{name}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_organization_is_registered_and_the_same_again_changes_nothing(
    client: TestClient, directory: FakeDirectory
) -> None:
    body = {"time_zone": "Asia/Tokyo", "week_start": 7, "display_name": "Zen KK", "plan": "PRO"}
    made = {
        "name": "a/zen",
        "time_zone": "Asia/Tokyo",
        "week_start": 7,
        "is_new": True,
        "outcome": "created",
        "effective_from": "1970-01-01T00:00:00.000Z",
    }
    assert put(client, "a%2Fzen", **body) == made
    assert put(client, "a%2Fzen", **body) == made | {"is_new": False, "outcome": "unchanged", "effective_from": None}
    assert directory.organizations == {"a/zen": Organization("a/zen", "Asia/Tokyo", 7)}
    assert directory.calls[0][1:] == ("key 0a1b2c3d4e5f", "api")
    assert put(client, "株式会社\u3000東京", time_zone="Asia/Tokyo")["is_new"]
    assert put(client, "other", time_zone="UTC")["week_start"] == 1


def test_a_renaming_holds_from_its_time_on(client: TestClient, directory: FakeDirectory) -> None:
    put(client, "acme", time_zone="UTC", display_name="Acme")
    renamed = put(client, "acme", display_name="Acme SA", effective_from="2026-02-01T00:00:00+01:00")
    assert (renamed["is_new"], renamed["outcome"]) == (False, "renamed")
    assert renamed["effective_from"] == "2026-01-31T23:00:00.000Z"
    assert put(client, "acme", plan="PRO")["effective_from"] == "2026-03-14T23:30:00.000Z"
    [history] = directory.histories.values()
    assert [(each.said.display_name, each.said.plan) for each in history] == [
        ("Acme", None),
        ("Acme SA", None),
        (None, "PRO"),
    ]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"display_name": "New"}, "time_zone: '' is empty; give an IANA time zone"),
        ({"time_zone": "localtime"}, "'localtime' is no IANA time zone"),
        (
            {"display_name": "New", "effective_from": "9999-12-31T23:59:59-05:00"},
            "effective_from: '9999-12-31T23:59:59-05:00' must lie from 1970 to 2199",
        ),
        ({"time_zone": "Paris"}, "'Paris' is no IANA time zone such as Europe/Paris"),
        ({"time_zone": "UTC", "week_start": 8}, "week_start"),
        ({"time_zone": "UTC", "display_name": ""}, "display_name: '' is empty; give one"),
        ({"time_zone": "UTC", "effective_from": "2026-01-01T00:00:00Z"}, "effective_from: "),
        ({"time_zone": "UTC", "email": "a@b"}, "email: there is no such parameter here"),
    ],
)
def test_what_cannot_be_registered(
    client: TestClient, directory: FakeDirectory, body: dict[str, Any], problem: str
) -> None:
    assert problem in message(client.put("/v1/organizations/new", json=body))
    assert (directory.organizations, directory.calls) == ({}, [])


def test_a_name_with_spaces_around_it_is_refused(client: TestClient, directory: FakeDirectory) -> None:
    told = message(client.put("/v1/organizations/%20acme", json={"time_zone": "UTC"}))
    assert "the name ' acme' has spaces around it; remove them" in told
    assert directory.organizations == {}


def test_a_calendar_in_use_is_not_registered_anew(client: TestClient) -> None:
    put(client, "acme", time_zone="UTC")
    told = message(client.put("/v1/organizations/acme", json={"time_zone": "Asia/Tokyo"}), 409)
    assert told.endswith("or POST /v1/organizations/NAME/calendar")


def test_a_calendar_is_changed_from_a_day_on(client: TestClient, control: FakeControl) -> None:
    answer = client.post("/v1/organizations/acme/calendar", json=TOKYO)
    [(plan, asked)] = control.stored
    assert answer.status_code == 202
    assert answer.json() | {"control_id": ""} == {
        "organization": "acme",
        "effective_from": "2026-03-31T22:00:00.000Z",
        "before": {"time_zone": "Europe/Paris", "week_start": 1},
        "after": {"time_zone": "Asia/Tokyo", "week_start": 7},
        "revision": 1,
        "control_id": "",
        "places": [{"partition": 3, "offset": 7}],
    }
    assert plan.effective_from == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert (asked.author, asked.note, asked.source) == ("key 0a1b2c3d4e5f", "moved", "api")


def test_a_calendar_to_come_is_listed(client: TestClient, warehouse: FakeWarehouse) -> None:
    since = datetime(2026, 4, 1, tzinfo=UTC)
    tokyo = ComingCalendar(since, "Asia/Tokyo", 7)
    warehouse.answers[Organizations] = lambda _: [fakes.PARIS, replace(fakes.PARIS, coming_calendars=(tokyo,))]
    found = client.get("/v1/organizations").json()["organizations"]
    assert [one["coming_calendars"] for one in found] == [
        [],
        [{"effective_from": "2026-04-01T00:00:00.000Z", "time_zone": "Asia/Tokyo", "week_start": 7}],
    ]


def test_what_is_left_out_stays_and_a_dry_run_stores_nothing(client: TestClient, control: FakeControl) -> None:
    body = {"week_start": 7, "first_day": "2026-04-01", "dry_run": True}
    found = client.post("/v1/organizations/acme/calendar", json=body).json()
    assert found["after"] == {"time_zone": "Europe/Paris", "week_start": 7}
    assert (found["revision"], found["control_id"], found["places"]) == (None, None, [])
    assert control.stored == []


@pytest.mark.parametrize(
    ("name", "body", "status", "problem"),
    [
        ("nobody", TOKYO, 404, "there is no organisation 'nobody'; PUT /v1/organizations/NAME registers it"),
        ("acme", {"first_day": "2026-04-01"}, 422, "time_zone: neither it nor week_start is given"),
        ("acme", TOKYO | {"time_zone": "Tokyo"}, 422, "'Tokyo' is no IANA time zone"),
        ("acme", TOKYO | {"time_zone": "posix/UTC"}, 422, "'posix/UTC' is no IANA time zone"),
        ("acme%00", TOKYO, 422, "no control characters"),
        ("acme", TOKYO | {"first_day": "soon"}, 422, "first_day"),
        ("acme", TOKYO | {"week_start": 0}, 422, "week_start"),
    ],
)
def test_what_no_calendar_can_be(
    client: TestClient, control: FakeControl, name: str, body: dict[str, Any], status: int, problem: str
) -> None:
    assert problem in message(client.post(f"/v1/organizations/{name}/calendar", json=body), status)
    assert control.stored == []


def test_a_key_of_one_organization_changes_only_its_own(
    client: TestClient, directory: FakeDirectory, control: FakeControl
) -> None:
    body = {"time_zone": "UTC", "display_name": "x"}
    for answer in (
        client.put("/v1/organizations/zen", json=body, headers=BOSS),
        client.post("/v1/organizations/zen/calendar", json=TOKYO, headers=BOSS),
    ):
        assert "writes to the organisation 'acme' only, not to 'zen'" in message(answer, 403)
    assert (directory.organizations, control.stored) == ({}, [])
    assert client.put("/v1/organizations/acme", json=body, headers=BOSS).status_code == 200
    assert client.post("/v1/organizations/acme/calendar", json=TOKYO, headers=BOSS).status_code == 202


@pytest.mark.parametrize("secret", ["all", "acme", "ingest"])
def test_changes_need_the_scope_admin(client: TestClient, directory: FakeDirectory, secret: str) -> None:
    headers = {"Authorization": f"Bearer {secret}"}
    for answer in (
        client.put("/v1/organizations/acme", json={"time_zone": "UTC"}, headers=headers),
        client.post("/v1/organizations/acme/calendar", json=TOKYO, headers=headers),
    ):
        assert "lacks the scope `admin`" in message(answer, 403)
    assert directory.organizations == {}


def test_without_a_user_who_may_write_it_says_so(warehouse: FakeWarehouse) -> None:
    with TestClient(create_app(warehouse, FakeKeys(), lambda: NOW), headers=BOSS) as client:
        for answer in (
            client.put("/v1/organizations/acme", json={"time_zone": "UTC"}),
            client.post("/v1/organizations/acme/calendar", json=TOKYO),
        ):
            assert "set TALLY_API_WRITER_PASSWORD_FILE" in message(answer, 503)
