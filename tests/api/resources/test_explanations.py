"""GET /v1/events/{event_id}/explanation: who may ask, what is asked, and every number as exact text."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from stream_jobs.corrections.change import Change
from stream_jobs.explanation.explanation import Explanation
from tests.api.fakes import NOW, FakeKeys, FakeWarehouse, message
from tests.stream_jobs.explanation.conftest import made
from tokentally.identity import event_uuid
from warehouse.queries.corrected import AwaitedChange

KNOWN = UUID(int=7)
ROUTE = f"/v1/events/{KNOWN}/explanation"


@dataclass
class FakeExplaining:
    """Knows one event of acme, and remembers what was asked."""

    found: list[Explanation] = field(default_factory=lambda: [made()])
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    async def explain(
        self, event_id: UUID | None, source_id: str, organization: str | None, under: int | None
    ) -> list[Explanation]:
        self.asked.append((event_id, source_id, organization, under))
        return self.found


@pytest.fixture
def explaining() -> FakeExplaining:
    return FakeExplaining()


@pytest.fixture
def reading(warehouse: FakeWarehouse, explaining: FakeExplaining) -> Iterator[TestClient]:
    app = create_app(warehouse, FakeKeys(), lambda: NOW, explaining=explaining)
    with TestClient(app, headers={"Authorization": "Bearer all"}, raise_server_exceptions=False) as client:
        yield client


def test_every_step_of_the_sum_is_exact_text(reading: TestClient) -> None:
    (found,) = reading.get(ROUTE, params={"under": 2}).json()["explanations"]
    (line,) = found["cost"]["lines"]
    stands = line.pop("price")
    assert line == {
        "unit": "input_tokens",
        "quantity": "1000",
        "priced_unit": "input_tokens",
        "price_usd": "2.5",
        "per": 1_000_000,
        "amount_usd": "0.0025",
    }
    assert (stands["unit"], stands["source"], stands["effective_from"]) == (
        *("input_mtok", "a list", "1970-01-01T00:00:00.000Z"),
    )
    cost = found["cost"]
    assert (cost["exact_usd"], cost["rounded_usd"], cost["cost_usd"]) == ("0.0025", "0.002500000", "0.002500000")
    assert (cost["rule"], cost["priced_as"], cost["unpriced_units"]) == ("provider and model", "openai/gpt-4o", [])
    assert found["under"]["cost_usd"] == "0.005000000"
    assert (found["billing"]["markup_ppm"], found["billing"]["billed_usd"]) == (200_000, "0.003000000")
    assert (found["credits"]["multiplier"], found["credits"]["tier"], found["credits"]["credits"]) == (
        *("2", "premium", "2.000000"),
    )
    assert [(told["author"], told["note"]) for told in found["revisions"]] == [("ada", "the first")]
    assert found["differences"] == []


def test_records_that_changed_it_when_it_came_are_named(reading: TestClient, explaining: FakeExplaining) -> None:
    change = Change(reprices=True, columns={"input_tokens": 1000}).text()
    explaining.found = [
        made(at_birth=[AwaitedChange("acme", NOW, str(KNOWN), "replace", change, 5, "ada", "twice", None)])
    ]
    (found,) = reading.get(ROUTE).json()["explanations"]
    assert found["at_birth"] == [
        {
            **{"control_id": str(KNOWN), "kind": "replace", "author": "ada", "note": "twice", "asked": None},
            **{"void": False, "sets": {"input_tokens": 1000}},
        }
    ]


def test_an_event_that_counts_nowhere_says_so(reading: TestClient, explaining: FakeExplaining) -> None:
    explaining.found = [made(), made(void=True)]
    assert [found["void"] for found in reading.get(ROUTE).json()["explanations"]] == [False, True]


def test_a_key_of_one_organization_asks_for_its_own(reading: TestClient, explaining: FakeExplaining) -> None:
    own = {"Authorization": "Bearer acme"}
    assert reading.get("/v1/events/req-7/explanation", headers=own).status_code == 200
    assert message(reading.get(f"{ROUTE}?organization=zen", headers=own), 403)
    reading.get("/v1/events/req-7/explanation")
    reading.get(f"{ROUTE}?under=3")
    assert explaining.asked == [
        (event_uuid("acme", "req-7"), "req-7", "acme", None),
        (None, "req-7", None, None),
        (KNOWN, str(KNOWN), None, 3),
    ]


def test_an_unknown_event_is_not_found(reading: TestClient, explaining: FakeExplaining) -> None:
    explaining.found = []
    answer = reading.get(ROUTE)
    assert answer.json()["error"]["code"] == "unknown_event"
    assert "no such event" in message(answer, 404)


def test_a_revision_is_a_number(reading: TestClient) -> None:
    assert "under" in message(reading.get(f"{ROUTE}?under=0"))


def test_without_prices_nothing_is_explained(client: TestClient) -> None:
    assert "without prices" in message(client.get(ROUTE), 503)
