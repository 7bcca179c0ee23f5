"""The timeline: which days are asked for, buckets without gaps, peak, comparison, CSV."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.fakes import FakeWarehouse
from warehouse.queries.timeline import Bucket, Granularity, Timeline, Total
from warehouse.queries.usage import Usage

SOME = Usage(requests=4, errors=1, total_tokens=900, cost_usd=Decimal("1.5"), credits=Decimal(2))


@pytest.fixture(autouse=True)
def answers(warehouse: FakeWarehouse) -> None:
    warehouse.answers[Timeline] = lambda query: [Bucket(date(2026, 3, 14), SOME), Bucket(date(2026, 3, 12), SOME)]
    warehouse.answers[Total] = lambda query: Usage(requests=16, total_tokens=0, cost_usd=Decimal("2.4"))


def timeline(client: TestClient, **parameters: Any) -> dict[str, Any]:
    answer = client.get("/v1/usage/timeline", params={"organization": "acme", **parameters})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_week_ending_today_in_the_organizations_zone(client: TestClient, warehouse: FakeWarehouse) -> None:
    found = timeline(client, model="gpt-4o", user_id="")
    assert found["days"] == {"from": "2026-03-09", "to": "2026-03-15"}
    assert (found["as_of"], found["time_zone"]) == ("2026-03-14T23:29:59.589Z", "Europe/Paris")
    assert [bucket["start"] for bucket in found["buckets"]] == [f"2026-03-{day:02}" for day in range(9, 16)]
    assert [bucket["requests"] for bucket in found["buckets"]] == [0, 0, 0, 4, 0, 4, 0]
    assert found["buckets"][0]["cost_usd"] == "0.000000000"
    assert (found["total"]["requests"], found["total"]["cost_usd"], found["total"]["credits"]) == (
        8,
        "3.000000000",
        "4.000000",
    )
    assert found["peak"] == {"start": "2026-03-12", "requests": 4, "cost_usd": "1.500000000"}
    assert found["previous"] is None
    selection = warehouse.of(Timeline)[0].selection
    assert (selection.organization, selection.first_day, selection.last_day) == (
        "acme",
        date(2026, 3, 9),
        date(2026, 3, 15),
    )
    assert dict(selection.equals) == {"model": "gpt-4o", "user_id": ""}


def test_all_together_are_in_utc(client: TestClient, warehouse: FakeWarehouse) -> None:
    answer = client.get("/v1/usage/timeline?range=today")
    assert (answer.json()["time_zone"], answer.json()["organization"]) == ("UTC", None)
    assert answer.json()["days"] == {"from": "2026-03-14", "to": "2026-03-14"}


def test_the_previous_period(client: TestClient, warehouse: FakeWarehouse) -> None:
    found = timeline(client, **{"from": "2026-03-12", "to": "2026-03-14", "compare": "true"})
    assert found["previous"]["days"] == {"from": "2026-03-09", "to": "2026-03-11"}
    assert found["previous"]["total"]["cost_usd"] == "2.400000000"
    assert found["previous"]["change"] == {"requests": -0.5, "total_tokens": None, "cost_usd": 0.25}
    assert warehouse.of(Total)[0].selection.organization == "acme"


def test_hours_carry_the_organizations_offset(client: TestClient, warehouse: FakeWarehouse) -> None:
    warehouse.answers[Timeline] = lambda query: [Bucket(datetime(2026, 3, 14, 23, tzinfo=UTC), SOME)]
    found = timeline(client, range="today", granularity="hour")
    assert len(found["buckets"]) == 24
    assert found["buckets"][0]["start"] == "2026-03-15T00:00:00.000+01:00"
    assert found["buckets"][0]["requests"] == 4
    assert warehouse.of(Timeline)[0].granularity is Granularity.HOUR


def test_csv(client: TestClient) -> None:
    answer = client.get(
        "/v1/usage/timeline?organization=acme&from=2026-03-13&to=2026-03-14", headers={"Accept": "text/csv"}
    )
    lines = answer.text.splitlines()
    assert lines[0].startswith("start,requests,errors,input_tokens,")
    assert [line.split(",")[0] for line in lines[1:]] == ["2026-03-12", "2026-03-13", "2026-03-14"]
    assert lines[-1].endswith(",900,1.500000000,0.000000000,2.000000")
    assert answer.headers["x-as-of"] == "2026-03-14T23:29:59.589Z"
