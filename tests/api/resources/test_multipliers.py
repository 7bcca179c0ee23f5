"""Multipliers over HTTP: what holds, who said it, and who may change it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from stream_jobs.configuring.change import Asked, Done, Plan
from stream_jobs.configuring.ledger import MULTIPLIERS
from stream_jobs.configuring.said import Owners, Said, SaidRows
from stream_jobs.control.publisher import Published
from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.pricing.price_row import PriceRow
from tests.api.fakes import NOW, FakeKeys, FakeWarehouse, message
from warehouse.control.history import History, StoredRevision, Switch
from warehouse.control.revisions import Revision

ROW = MultiplierRow("openai", "gpt-4o", 2000, "list", "as agreed")
SAID = Said(ROW, "ada", "as agreed", NOW)


@dataclass(slots=True)
class FakeControl:
    """Plans and stores on one row; remembers who asked."""

    asked: list[tuple[str, Asked]] = field(default_factory=list)

    async def plan(self, ledger: Any, organization: str, edit: Callable[..., Any]) -> Plan[MultiplierRow]:
        assert ledger is MULTIPLIERS
        before = [] if organization else [SAID]
        after = tuple(edit([said.row for said in before], [ROW]))
        return Plan(organization, 1, 1, tuple(before), after, (ROW,) if organization else ())

    async def change(self, ledger: Any, organization: str, edit: Callable[..., Any], asked: Asked) -> Done[Any]:
        plan = await self.plan(ledger, organization, edit)
        self.asked.append((organization, asked))
        revision = Revision("multipliers", organization, 2, "a" * 64, {})
        return Done(plan, revision, (Published(revision.control_id, {3: 17}, (3, 4)),))


def owners(query: Owners) -> tuple[int, dict[str, int]]:
    assert query.kind in ("multipliers", "prices")
    number = query.state or 2
    return (number, {"": 1}) if number <= 2 else (0, {})


@pytest.fixture
def control() -> FakeControl:
    return FakeControl()


@pytest.fixture
def client(warehouse: FakeWarehouse, control: FakeControl) -> TestClient:
    ended = replace(SAID, row=replace(ROW, multiplier_milli=0, ended=True, organization="acme"))

    def said(query: SaidRows[Any]) -> list[Said[Any]]:
        return [PRICE] if query.row is PriceRow else [SAID, ended]

    warehouse.answers |= {Owners: owners, SaidRows: said}
    app = create_app(warehouse, FakeKeys(), lambda: NOW, control=control)  # type: ignore[arg-type]
    return TestClient(app, headers={"Authorization": "Bearer root"}, raise_server_exceptions=False)


PRICE = Said(PriceRow("x-ai", "grok-3", "Grok 3", "", "input_mtok", Decimal(3), 10**6, 0, "hand"), "ada", "", NOW)
SET = {"provider": "openai", "model": "gpt-4o", "multiplier": "2.5", "note": "dear"}


def test_every_multiplier_with_who_said_it(client: TestClient, warehouse: FakeWarehouse) -> None:
    found = client.get("/v1/multipliers").json()
    assert found["revision"] == 2
    first, ended = found["multipliers"]
    assert (first["multiplier"], first["tier"], first["author"], first["note"]) == ("2", "premium", "ada", "as agreed")
    assert (ended["organization"], ended["multiplier"], ended["tier"]) == ("acme", None, None)
    assert client.get("/v1/multipliers", headers={"Authorization": "Bearer acme"}).status_code == 200
    assert warehouse.of(Owners)[-1].organization == "acme"
    assert "there is no multipliers revision 9" in message(client.get("/v1/multipliers?revision=9"), 404)


def test_a_difference_and_the_history(client: TestClient, warehouse: FakeWarehouse) -> None:
    answers = iter([[SAID], [replace(SAID, row=replace(ROW, multiplier_milli=500))]])
    warehouse.answers[SaidRows] = lambda _: next(answers)
    (changed,) = client.get("/v1/multipliers/diff?before=1&after=2").json()["multipliers"]
    assert (changed["before"]["multiplier"], changed["after"]["multiplier"]) == ("2", "0.5")
    stored = StoredRevision("multipliers", "acme", 2, "a" * 64, "ada", "why", "hand", NOW, "", (Switch(3, 17, NOW),))
    warehouse.answers[History] = lambda _: [stored]
    (found,) = client.get("/v1/multipliers/history").json()["revisions"]
    assert (found["revision"], found["author"], found["partitions"]) == (2, "ada", 1)


def test_a_multiplier_is_set_and_ended_by_the_key(client: TestClient, control: FakeControl) -> None:
    answer = client.post("/v1/multipliers/set", json=SET)
    assert answer.status_code == 202
    (changed,) = answer.json()["difference"]
    assert (changed["row"]["model"], changed["before"]["multiplier"], changed["after"]["multiplier"]) == (
        *("gpt-4o", "2", "2.5"),
    )
    assert answer.json()["places"][0] == {"partition": 3, "offset": 17}
    ended = client.post("/v1/multipliers/expire", json={"provider": "openai", "model": "gpt-4o"})
    (changed,) = ended.json()["difference"]
    assert (changed["row"]["multiplier"], changed["before"]["multiplier"]) == (None, "2")
    assert (changed["after"]["multiplier"], changed["after"]["source"]) == ("1", "built in"), "what counts after it"
    assert [(organization, one.author, one.source) for organization, one in control.asked] == [
        ("", "key 0a1b2c3d4e5f", "api")
    ] * 2


def test_another_spelling_means_the_model_of_the_price_list(client: TestClient) -> None:
    spelled = SET | {"provider": "XAI", "model": "Grok-3"}
    (changed,) = client.post("/v1/multipliers/set", json=spelled).json()["difference"]
    assert (changed["after"]["provider"], changed["after"]["model"]) == ("x-ai", "grok-3")
    (changed,) = client.post("/v1/multipliers/set", json=spelled | {"model": "new"}).json()["difference"]
    assert (changed["after"]["provider"], changed["after"]["model"]) == ("XAI", "new")


def test_a_dry_run_stores_nothing(client: TestClient, control: FakeControl) -> None:
    found = client.post("/v1/multipliers/set", json=SET | {"dry_run": True, "organization": "acme"}).json()
    assert (found["revision"], found["places"]) == (None, [])
    (changed,) = found["difference"]
    assert (changed["before"]["organization"], changed["before"]["multiplier"]) == ("", "2"), "everyone's held so far"
    assert changed["after"]["organization"] == "acme"
    same = SET | {"dry_run": True, "multiplier": "2.0"}
    assert client.post("/v1/multipliers/set", json=same).json()["difference"] == []
    assert control.asked == []


def test_what_cannot_be_is_refused(client: TestClient, control: FakeControl) -> None:
    assert "is no multiplier" in message(client.post("/v1/multipliers/set", json=SET | {"multiplier": "-1"}))
    nameless = SET | {"model": ""}
    assert "a default holds for every provider" in message(client.post("/v1/multipliers/set", json=nameless))
    for secret, words in (("boss", "with a key for every organisation only"), ("all", "lacks the scope `admin`")):
        refused = client.post("/v1/multipliers/set", json=SET, headers={"Authorization": f"Bearer {secret}"})
        assert words in message(refused, 403)
    assert control.asked == []
