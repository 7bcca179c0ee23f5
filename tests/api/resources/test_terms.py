"""Terms over HTTP: what holds by date, and what was ever set."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.control import Control
from stream_jobs.configuring.agreeing import Agreed
from stream_jobs.configuring.change import Asked
from stream_jobs.control.publisher import Published
from stream_jobs.credits.terms_change import ChangedTerms, TermsChange, changed_terms
from tests.api.fakes import NOW, FakeKeys, FakeWarehouse, message
from warehouse.control.revisions import Revision
from warehouse.queries.terms import AgreedTerms, BillingTerms, TermsHistory

MARCH, JUNE = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
TERMS = AgreedTerms(
    *("acme", MARCH, JUNE, "cost", Decimal("1000.000000000000000000"), "up", Decimal("0.200000"), 3, 2),
    *("ada", "contract", "command line", MARCH),
)
SAID = {
    "organization": "acme",
    "effective_from": "2026-03-01T00:00:00.000Z",
    "basis": "cost",
    "credits_per_usd": "1000",
    "rounding": "up",
    "markup": "0.2",
    "free_daily_limit": 3,
    "revision": 2,
    "author": "ada",
    "note": "contract",
    "source": "command line",
    "created": "2026-03-01T00:00:00.000Z",
}


@pytest.fixture(autouse=True)
def answers(warehouse: FakeWarehouse) -> None:
    later = replace(TERMS, effective_from=JUNE, effective_to=None)
    warehouse.answers[BillingTerms] = lambda query: [TERMS, later]
    warehouse.answers[TermsHistory] = lambda query: [TERMS, later]


def test_terms_by_date(client: TestClient, warehouse: FakeWarehouse) -> None:
    assert MARCH < NOW < JUNE
    now, later = client.get("/v1/terms?organization=acme").json()["terms"]
    assert now == SAID | {"effective_to": "2026-06-01T00:00:00.000Z", "in_force": True}
    assert (later["effective_to"], later["in_force"]) == (None, False)
    assert warehouse.of(BillingTerms) == [BillingTerms("acme")]


def test_history(client: TestClient, warehouse: FakeWarehouse) -> None:
    found = client.get("/v1/terms/history?organization=acme&limit=1&offset=4").json()
    assert (found["terms"], found["next_offset"]) == ([SAID], 5)
    assert warehouse.of(TermsHistory) == [TermsHistory("acme", 2, 4)]


@dataclass(slots=True)
class FakeControl:
    """Plans on no terms at all; remembers what was stored."""

    stored: list[tuple[ChangedTerms, Asked]] = field(default_factory=list)

    async def agree(
        self, organization: str, start: datetime, change: TermsChange, asked: Asked, *, dry_run: bool
    ) -> tuple[ChangedTerms, Agreed | None]:
        made = changed_terms([], organization, start, change)
        if dry_run:
            return made, None
        self.stored.append((made, asked))
        revision = Revision("multipliers", organization, 2, "a" * 64, {})
        return made, Agreed(made, revision, (Published(revision.control_id, {3: 17}, (3, 4)),))


WANTED: dict[str, Any] = {
    "organization": "acme",
    "effective_from": "2026-06-01T00:00:00Z",
    "basis": "cost",
    "credits_per_usd": "1000.50",
    "note": "contract",
}
DIFFERENCES = [
    {"what": "basis", "before": "request", "after": "cost"},
    {"what": "credits_per_usd", "before": "0", "after": "1000.5"},
]


def post(warehouse: FakeWarehouse, control: FakeControl, key: str, **said: Any) -> Any:
    app = create_app(warehouse, FakeKeys(), lambda: NOW, control=cast("Control", control))
    return TestClient(app).post("/v1/terms", json=WANTED | said, headers={"Authorization": f"Bearer {key}"})


def test_terms_are_set_by_the_key(warehouse: FakeWarehouse) -> None:
    control = FakeControl()
    answer = post(warehouse, control, "root")
    assert answer.status_code == 202
    found = answer.json()
    assert (found["revision"], found["differences"]) == (2, DIFFERENCES)
    assert found["places"] == [{"partition": 3, "offset": 17}, {"partition": 4, "offset": None}]
    [(made, asked)] = control.stored
    assert (made.row.organization, made.row.effective_from) == ("acme", JUNE)
    assert (asked.note, asked.source, asked.now) == ("contract", "api", NOW)


def test_a_dry_run_stores_nothing(warehouse: FakeWarehouse) -> None:
    control = FakeControl()
    found = post(warehouse, control, "root", dry_run=True).json()
    assert found == {"revision": None, "control_id": None, "places": [], "differences": DIFFERENCES}
    assert control.stored == []


def test_only_a_key_for_every_organization_sets_terms(warehouse: FakeWarehouse) -> None:
    assert "every organisation" in message(post(warehouse, FakeControl(), "boss"), 403)


@pytest.mark.parametrize("rate", ["1_0", "١", "1e999999"])
def test_a_rate_that_only_python_takes_for_a_number_is_refused(warehouse: FakeWarehouse, rate: str) -> None:
    answer = post(warehouse, FakeControl(), "root", credits_per_usd=rate)
    assert "credits_per_usd: write a number like 1000 or 0.5" in message(answer)
