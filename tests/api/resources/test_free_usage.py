"""The free plan over HTTP: days are those of UTC, whatever the organisation's zone."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient

from tests.api.fakes import FakeWarehouse, message
from warehouse.currency.exchange_rate import ExchangeRate, RatesOf
from warehouse.queries.exchange_rates import RatesInForce
from warehouse.queries.free_usage import FreeDay, FreeUsage

DAY = FreeDay("acme", date(2026, 3, 14), "u", 5, 3, 0, 2, Decimal("0.000000007"))


@pytest.fixture(autouse=True)
def answers(warehouse: FakeWarehouse) -> None:
    warehouse.answers[FreeUsage] = lambda query: [DAY, DAY]


def test_today_is_that_of_utc(client: TestClient, warehouse: FakeWarehouse) -> None:
    found = client.get("/v1/free-usage?organization=acme&limit=1").json()
    assert found["users"] == [
        {
            "organization": "acme",
            "day": "2026-03-14",
            "user_id": "u",
            "executions": 5,
            "free_daily_limit": 3,
            "remaining": 0,
            "excess": 2,
            "cost_usd": "0.000000007",
            "converted_cost": None,
        }
    ]
    assert (found["days"], found["next_offset"]) == ({"from": "2026-03-14", "to": "2026-03-14"}, 1)
    assert warehouse.of(FreeUsage) == [FreeUsage("acme", date(2026, 3, 14), date(2026, 3, 14), limit=2)]


def test_costs_in_another_currency(client: TestClient, warehouse: FakeWarehouse) -> None:
    rates = [ExchangeRate("SEK", date(2026, 3, 14), Decimal("9.5"))]
    warehouse.answers[RatesInForce] = lambda query: RatesOf(query.currency, rates)
    found = client.get("/v1/free-usage?organization=acme&currency=sek").json()
    assert [each["converted_cost"] for each in found["users"]] == ["0.000000066"] * 2, "66.5, half to even"
    used = {"from": "2026-03-14", "to": None, "units_per_usd": "9.5"}
    assert found["conversion"] == {"currency": "SEK", "rates": [used]}
    assert client.get("/v1/free-usage?organization=acme").json()["conversion"] is None


def test_a_day_with_a_cost_and_without_a_rate_is_refused(client: TestClient, warehouse: FakeWarehouse) -> None:
    warehouse.answers[RatesInForce] = lambda query: RatesOf(query.currency, [])
    answer = client.get("/v1/free-usage?currency=SEK")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "missing_exchange_rate")
    assert "no exchange rate for SEK on 2026-03-14" in message(answer)
    warehouse.answers[FreeUsage] = lambda query: [replace(DAY, cost_usd=Decimal(0))]
    assert client.get("/v1/free-usage?currency=SEK").json()["users"][0]["converted_cost"] == "0.000000000"


def test_days_and_users_can_be_chosen(client: TestClient, warehouse: FakeWarehouse) -> None:
    path = "/v1/free-usage?organization=acme&from=2026-03-01&to=2026-03-02&user_id=u&above_limit=true&offset=3"
    assert client.get(path).json()["next_offset"] is None
    wanted = FreeUsage("acme", date(2026, 3, 1), date(2026, 3, 2), "u", True, 101, 3)
    assert warehouse.of(FreeUsage) == [wanted]


def test_a_range_needs_both_ends_in_order(client: TestClient) -> None:
    assert client.get("/v1/free-usage?from=2026-03-02&to=2026-03-01").status_code == 422
