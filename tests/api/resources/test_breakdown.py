"""The breakdown: shares, averages and pages of what the warehouse sums."""

from decimal import Decimal

import pytest
from fastapi.testclient import TestClient

from tests.api.fakes import NOW, FakeWarehouse
from warehouse.queries.breakdown import Breakdown, Order, Part, Parts
from warehouse.queries.directory import DisplayNames


def part(value: str, requests: int, cost: str) -> Part:
    return Part(value, requests, 0, 10, 20, Decimal(cost), Decimal(0), Decimal(0), "opus")


WHOLE = part("", 7, "0.000000003")


@pytest.fixture(autouse=True)
def answers(warehouse: FakeWarehouse) -> None:
    warehouse.answers[Breakdown] = lambda query: Parts([part("u1", 3, "0.000000002")], WHOLE, 5)
    warehouse.answers[DisplayNames] = lambda query: {"u1": "Ada"}


def test_a_part(client: TestClient, warehouse: FakeWarehouse) -> None:
    found = client.get("/v1/usage/breakdown?by=user_id&order=requests&limit=1&offset=2&organization=acme").json()
    assert found["parts"] == [
        {
            "value": "u1",
            "name": "Ada",
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
            "converted_cost": None,
            "converted_billed": None,
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
    assert lines[0].startswith("value,name,requests,")
    assert lines[1].startswith("u1,Ada,3,0,10,20,30,0.000000002,")


def test_values_are_called_as_the_directory_has_them_now(client: TestClient, warehouse: FakeWarehouse) -> None:
    values = ["u1", "", *(f"x{number}" for number in range(400))]
    warehouse.answers[Breakdown] = lambda query: Parts([part(each, 1, "0") for each in values], WHOLE, 402)
    found = client.get("/v1/usage/breakdown?by=user_id&limit=1000&organization=acme").json()
    assert [each["name"] for each in found["parts"][:3]] == ["Ada", "", "x0"]
    asked = warehouse.of(DisplayNames)
    assert [len(question.values) for question in asked] == [200, 200, 1]
    assert {(question.dimension, question.organization, question.at) for question in asked} == {
        ("user_id", "acme", NOW)
    }


def test_values_that_the_directory_does_not_know_are_not_looked_up(
    client: TestClient, warehouse: FakeWarehouse
) -> None:
    found = client.get("/v1/usage/breakdown?by=model").json()
    assert (found["parts"][0]["name"], warehouse.of(DisplayNames)) == ("u1", [])
