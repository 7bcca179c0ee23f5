"""Every refusal has one shape and says what was wrong, where, and what to do."""

import pytest
from fastapi.testclient import TestClient

from api.errors import TryLater
from tests.api.fakes import FakeWarehouse


@pytest.mark.parametrize(
    ("path", "messages"),
    [
        ("/v1/overview?model=x", ["model: there is no such parameter here; leave it out"]),
        ("/v1/overview?organization=", ["organization: String should have at least 1 character, not ''"]),
        (
            "/v1/usage/timeline?range=8d&granularity=year",
            ["range: Input should be", "granularity: Input should"],
        ),
        ("/v1/usage/timeline?from=20260301&to=1773446400", ["from: a date like 2026-03-14 is needed, not '20260301'"]),
        ("/v1/usage/timeline?from=2026-02-30&to=2026-03-01", ["from: "]),
        ("/v1/usage/timeline?from=2026-03-02&to=2026-03-01", ["from 2026-03-02 is after to 2026-03-01; swap them"]),
        ("/v1/usage/timeline?from=2026-03-02", ["range=custom needs both from and to"]),
        (
            "/v1/usage/timeline?range=6m&granularity=hour",
            ["granularity=hour makes about 4344 buckets of 181 days"],
        ),
        ("/v1/usage/timeline?model=a&model=b", ["model: sent more than once; send one value"]),
        ("/v1/usage/timeline?model=a%00", ["model: control characters are not allowed"]),
        ("/v1/usage/breakdown", ["by: missing; send it"]),
        ("/v1/usage/breakdown?by=color", ["by: Input should be 'organization'"]),
        ("/v1/usage/breakdown?by=thread_id&model=x", ["thread_id can be selected by no other dimension, not by model"]),
        ("/v1/usage/breakdown?by=model&limit=5000", ["limit: Input should be less than or equal to 1000, not '5000'"]),
        (
            "/v1/events?limit=0&total=maybe",
            ["limit: Input should", "total: Input should be a valid boolean"],
        ),
        ("/v1/events?cursor=abc", ["cursor: 'abc' is none that this route gave; send next_cursor as it came"]),
        ("/v1/events?cursor=WyJhIiwgImIiLCAiYyJd", ["cursor: "]),
        ("/v1/events?from=2026-03-01T10:00:00", ["from: a time needs its offset, like 2026-03-14T09:00:00Z"]),
        ("/v1/events?from=1800-01-01", ["from: must lie from 1970-01-01 to 2149-06-06"]),
        ("/v1/events?from=9999-12-31T23:59:59-05:00", ["from: must lie from 1970-01-01 to 2149-06-06"]),
        ("/v1/events?from=0001-01-01T00:00:00%2B05:45", ["from: must lie from 1970-01-01 to 2149-06-06"]),
        ("/v1/events?from=2026-03-02&to=2026-03-01", ["from 2026-03-02 is not before to 2026-03-01; swap them"]),
        ("/v1/events?from=now", ["from: a date like 2026-03-14 is needed, not 'now'"]),
        ("/v1/rejected?source=nobody", ["source: Input should be 'collector' or 'worker'"]),
    ],
)
def test_parameters(client: TestClient, path: str, messages: list[str]) -> None:
    answer = client.get(path)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "invalid_parameter"
    for message in messages:
        assert message in error["message"]


@pytest.mark.parametrize("text", ["株式会社\u3000東京", "Ada\u00a0L", "👩\u200d💻"])
def test_what_events_may_carry_can_be_asked_for(client: TestClient, text: str) -> None:
    answer = client.get("/v1/events", params={"organization": text, "user_id": text})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_organization")


def test_an_unknown_organization(client: TestClient) -> None:
    answer = client.get("/v1/overview?organization=nobody")
    assert answer.status_code == 404
    assert answer.json() == {
        "error": {
            "code": "unknown_organization",
            "message": "there is no organisation 'nobody'; /v1/organizations lists them",
        }
    }


def test_an_unknown_path_and_method(client: TestClient) -> None:
    answer = client.get("/v1/nothing")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    answer = client.post("/v1/events", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


def test_a_warehouse_that_is_away(client: TestClient, warehouse: FakeWarehouse) -> None:
    warehouse.failure = TryLater("the warehouse does not answer now; repeat the request", code="warehouse_unavailable")
    for path in ("/v1/overview", "/ready", "/v1/prices"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert answer.json()["error"]["code"] == "warehouse_unavailable"
    assert client.get("/health").json() == {"status": "ok"}


def test_a_failure_of_our_own_is_told_without_its_inside(client: TestClient, warehouse: FakeWarehouse) -> None:
    warehouse.failure = RuntimeError("secret")
    answer = client.get("/v1/overview")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "secret" not in answer.text
