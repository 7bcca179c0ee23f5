"""The breakdown: shares, averages and pages of what the warehouse sums."""

from decimal import Decimal

import pytest
from fastapi.testclient import TestClient

from tests.api.fakes import FakeWarehouse
from warehouse.queries.breakdown import Breakdown, Order, Part, Parts


def part(value: str, requests: int, cost: str) -> Part:
    return Part(value, requests, 0, 10, 20, Decimal(cost), Decimal(0), Decimal(0), "opus")


WHOLE = part("", 7, "0.000000003")


@pytest.fixture(autouse=True)
def answers(warehouse: FakeWarehouse) -> None:
    warehouse.answers[Breakdown] = lambda query: Parts([part("u1", 3, "0.000000002")], WHOLE, 5)


def test_a_part(client: TestClient, warehouse: FakeWarehouse) -> None:
    found = client.get("/v1/usage/breakdown?by=user_id&order=requests&limit=1&offset=2&organization=acme").json()
    assert found["parts"] == [
        {
            "value": "u1",
            "requests": 3,
            "errors": 0,
            "total_input_tokens": 10,
            "total_output_tokens": 20,
            "total_tokens": 30,
            "cost_usd": "0.000000002",
            "billed_usd": "0.000000000",
            "credits": "0.000000",
            "top_model": "opus",
            "requests_share": 0.428571,
            "cost_share": 0.666667,
            "cost_usd_per_request": "0.000000001",
            "tokens_per_request": 10.0,
        }
    ]
    assert (found["whole"]["requests"], found["values"], found["next_offset"]) == (7, 5, 3)
    asked = warehouse.of(Breakdown)[0]
    assert (asked.dimension, asked.order, asked.limit, asked.skip) == ("user_id", Order.REQUESTS, 1, 2)


def test_the_last_page(client: TestClient) -> None:
    assert client.get("/v1/usage/breakdown?by=user_id&offset=4").json()["next_offset"] is None


def test_nothing_used(client: TestClient, warehouse: FakeWarehouse) -> None:
    warehouse.answers[Breakdown] = lambda query: Parts([], part("", 0, "0"), 0)
    found = client.get("/v1/usage/breakdown?by=user_id").json()
    assert (found["parts"], found["values"], found["next_offset"]) == ([], 0, None)


def test_csv(client: TestClient) -> None:
    lines = client.get("/v1/usage/breakdown?by=user_id", headers={"Accept": "text/csv"}).text.splitlines()
    assert lines[0].startswith("value,requests,")
    assert lines[1].startswith("u1,3,0,10,20,30,0.000000002,")
