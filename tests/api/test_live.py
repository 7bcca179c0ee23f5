"""The API as the read-only user of the real engine: every route equals plain Python over the same events."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.warehouse import ThreadedWarehouse
from tests.api.fakes import FakeKeys
from tests.warehouse.engine import Engine, running
from tests.warehouse.recorded import Event, events, measures_of, store
from warehouse.client import connect

pytestmark = pytest.mark.integration
NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
RECORDED = events()
YEAR = {"from": "2026-01-01", "to": "2026-12-31"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture(scope="module")
def live(engine: Engine) -> Iterator[TestClient]:
    with engine.database() as (client, name):
        store(client, RECORDED)
        warehouse = ThreadedWarehouse(lambda: connect(engine.settings("api", name)), threads=4, waiting_max=20)
        with TestClient(
            create_app(warehouse, FakeKeys(), lambda: NOW), headers={"Authorization": "Bearer all"}
        ) as made:
            yield made


def get(live: TestClient, path: str, **headers: str) -> dict[str, Any]:
    answer = live.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def used(organization: str | None, first: date = date.min, last: date = date.max) -> list[Event]:
    return [
        event for event in RECORDED if organization in (None, event["organization"]) and first <= event["day"] <= last
    ]


def cost(events: list[Event]) -> str:
    nano = sum(event["cost_nano_usd"] for event in events)
    return f"{nano // 10**9}.{nano % 10**9:09}"


def tokens(events: list[Event]) -> int:
    return sum(measures_of(event)["total_input_tokens"] + measures_of(event)["total_output_tokens"] for event in events)


@pytest.mark.parametrize("organization", ["acme", "zen"])
def test_overview(live: TestClient, organization: str) -> None:
    found = get(live, f"/v1/overview?organization={organization}")
    events, month = used(organization), used(organization, date(2026, 4, 1))
    timed = [event["duration_ms"] for event in events if event["duration_ms"] is not None]
    assert found["executions"] == len(events)
    assert found["cost_usd"] == {"all_time": cost(events), "month": cost(month)}
    assert found["total_tokens"] == {"all_time": tokens(events), "month": tokens(month)}
    assert found["average_latency_ms"] == round(sum(timed) / len(timed), 3)
    assert found["total_prompts"] == len({event["prompt_id"] for event in events} - {""})
    days = [date(2026, 3, 27), *(date(2026, 3, day) for day in range(28, 32)), date(2026, 4, 1), date(2026, 4, 2)]
    each = {day: used(organization, day, day) for day in days}
    assert found["last_7_days"] == [
        {"day": str(day), "executions": len(events), "cost_usd": cost(events), "converted_cost": None}
        for day, events in each.items()
    ]
    newest = sorted(events, key=lambda event: event["time"], reverse=True)[:10]
    assert [one["event_id"] for one in found["last_executions"]] == [str(event["event_id"]) for event in newest]
    assert found["last_executions"][0]["cost_usd"] == cost(newest[:1])


@pytest.mark.parametrize("granularity", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("scope", ["organization=acme", "organization=zen", ""])
def test_every_granularity_has_the_same_total(live: TestClient, granularity: str, scope: str) -> None:
    found = get(live, f"/v1/usage/timeline?from=2026-03-28&to=2026-04-01&granularity={granularity}&{scope}")
    events = used(found["organization"], date(2026, 3, 28), date(2026, 4, 1))
    assert (found["total"]["requests"], found["total"]["cost_usd"]) == (len(events), cost(events))
    assert sum(Fraction(bucket["cost_usd"]) for bucket in found["buckets"]) == Fraction(cost(events))
    starts = [datetime.fromisoformat(bucket["start"]) for bucket in found["buckets"]]
    assert starts == sorted(set(starts))
    if granularity == "hour" and scope:
        assert len(starts) == (5 * 24 - 1 if "acme" in scope else 5 * 24)


@pytest.mark.parametrize("by", ["model", "prompt_id", "thread_id", "status", "user_id"])
def test_parts_sum_to_the_whole(live: TestClient, by: str) -> None:
    found = get(live, f"/v1/usage/breakdown?by={by}&organization=acme&range=30d")
    events = used("acme", date(2026, 3, 4), date(2026, 4, 2))
    assert found["whole"]["cost_usd"] == cost(events)
    assert sum(Fraction(part["cost_usd"]) for part in found["parts"]) == Fraction(cost(events))
    assert {part["value"] for part in found["parts"]} == {event[by] for event in events}


def test_pages_of_events(live: TestClient) -> None:
    page = get(live, "/v1/events?limit=90&total=true")
    found = page["events"]
    while page["next_cursor"]:
        page = get(live, f"/v1/events?limit=90&cursor={page['next_cursor']}")
        found += page["events"]
    assert len({event["event_id"] for event in found}) == len(found) == len(RECORDED)
    assert get(live, "/v1/events?limit=1&total=true")["total"] == len(RECORDED)


def test_events_as_csv_hold_what_json_holds(live: TestClient) -> None:
    path = "/v1/events?organization=zen&from=2026-03-30&to=2026-04-01T00:00:00Z&status=error"
    rows = list(csv.DictReader(io.StringIO(live.get(path, headers={"Accept": "text/csv"}).text)))
    events = get(live, path)["events"]
    assert [row["event_id"] for row in rows] == [event["event_id"] for event in events] != []
    assert [row["cost_usd"] for row in rows] == [event["cost_usd"] for event in events]


def test_a_key_of_one_organization_sees_only_its_own(live: TestClient) -> None:
    mine = {"Authorization": "Bearer acme"}
    assert get(live, "/v1/overview", **mine)["executions"] == len(used("acme"))
    events = get(live, "/v1/events?limit=1000", **mine)["events"]
    assert {event["organization"] for event in events} == {"acme"}
    parts = get(live, "/v1/usage/breakdown?by=organization&range=30d", **mine)["parts"]
    assert [part["value"] for part in parts] == ["acme"]
    assert [one["name"] for one in get(live, "/v1/organizations", **mine)["organizations"]] == ["acme"]
    assert [one["name"] for one in get(live, "/v1/organizations")["organizations"]] == ["acme", "zen"]
    zen = str(used("zen")[0]["event_id"])
    assert get(live, f"/v1/events?search={zen}", **mine)["events"] == []


def test_hostile_text_is_only_text(live: TestClient) -> None:
    for text in ("' OR 1=1 --", "\\", "it's", "{organization:String}", "%00", "ü\u2028"):
        assert live.get("/v1/events", params={"search": text, "organization": "acme"}).status_code in (200, 422)
        found = live.get("/v1/usage/breakdown", params={"by": "model", "user_id": text, **YEAR})
        if found.status_code == 200:
            assert found.json()["whole"]["requests"] == len([e for e in RECORDED if e["user_id"] == text])


def test_prices_rejections_and_readiness(live: TestClient) -> None:
    as_of = max(event["append_time"] for event in RECORDED).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert get(live, "/v1/prices") == {"as_of": as_of, "revision": 0, "next_offset": None, "prices": []}
    assert get(live, "/v1/rejected")["rejected"] == []
    assert get(live, "/ready") == {"as_of": as_of, "status": "ready", "partitions": 2}


def test_without_the_warehouse_the_api_says_when_to_come_back(engine: Engine) -> None:
    settings = engine.settings("api").model_copy(update={"url": "http://127.0.0.1:9"})
    warehouse = ThreadedWarehouse(lambda: connect(settings), threads=1, waiting_max=1)
    app = create_app(warehouse, FakeKeys(), lambda: NOW)
    with TestClient(app, headers={"Authorization": "Bearer all"}) as client:
        answer = client.get("/ready")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert client.get("/health").status_code == 200
