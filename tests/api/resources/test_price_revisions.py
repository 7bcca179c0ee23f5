"""Prices over HTTP: every price of a model with who said it, differences, and who may change what."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from stream_jobs.configuring.change import Asked, Done, Plan
from stream_jobs.configuring.ledger import PRICES
from stream_jobs.configuring.said import Owners, Said, SaidOfModel, SaidRows
from stream_jobs.control.publisher import Published
from stream_jobs.pricing.price_row import PriceRow
from tests.api.fakes import NOW, FakeKeys, FakeWarehouse, message
from warehouse.control.history import History, StoredRevision, Switch
from warehouse.control.revisions import Revision

ROW = PriceRow("openai", "gpt-4o", "GPT-4o", "", "input_mtok", Decimal("2.5"), 10**6, 3, "list")
SAID = Said(ROW, "ada", "as agreed", NOW)
MAY = datetime(2026, 5, 1, tzinfo=UTC)


@dataclass(slots=True)
class FakeControl:
    """Plans and stores on one row; remembers who asked."""

    asked: list[tuple[str, Asked]] = field(default_factory=list)
    made: tuple[PriceRow, ...] = ()

    async def plan(self, ledger: Any, organization: str, edit: Callable[..., Any]) -> Plan[PriceRow]:
        assert ledger is PRICES
        before = [] if organization else [SAID]
        return Plan(organization, 1, 1, tuple(before), tuple(edit([said.row for said in before], [ROW])))

    async def change(self, ledger: Any, organization: str, edit: Callable[..., Any], asked: Asked) -> Done[PriceRow]:
        plan = await self.plan(ledger, organization, edit)
        self.made = plan.after
        self.asked.append((organization, asked))
        revision = Revision("prices", organization, 2, "a" * 64, {})
        return Done(plan, revision, (Published(revision.control_id, {3: 17}, (3, 4)),))


def owners(query: Owners) -> tuple[int, dict[str, int]]:
    number = query.state or 2
    known = {"": 1, "acme": 2} if query.organization in (None, "acme") else {"": 1}
    return (number, known) if number <= 2 else (0, {})


def rows(query: SaidRows[PriceRow]) -> list[Said[PriceRow]]:
    return [SAID] if query.model in (None, "gpt-4o") else []


@pytest.fixture
def control() -> FakeControl:
    return FakeControl()


@pytest.fixture
def client(warehouse: FakeWarehouse, control: FakeControl) -> TestClient:
    warehouse.answers |= {Owners: owners, SaidRows: rows}
    app = create_app(warehouse, FakeKeys(), lambda: NOW, control=control)  # type: ignore[arg-type]
    return TestClient(app, headers={"Authorization": "Bearer root"}, raise_server_exceptions=False)


SET = {"provider": "openai", "model": "gpt-4o", "rates": [{"unit": "input_mtok", "price_usd": "3.10"}], "note": "dear"}


def test_every_price_of_a_model(client: TestClient, warehouse: FakeWarehouse) -> None:
    found = client.get("/v1/prices/model", params={"provider": "openai", "model": "gpt-4o"}).json()
    (price,) = found.pop("prices")
    assert found == {"revision": 2, "match": "", "display_name": "GPT-4o"}
    assert (price["price_usd"], price["author"], price["note"]) == ("2.5", "ada", "as agreed")
    assert price["effective_from"] == "1970-01-01T00:00:00.000Z"
    (asked,) = warehouse.of(SaidRows)
    assert asked.owners == {"": 1, "acme": 2}


def test_a_key_of_one_organization_sees_its_own_prices_beside_those_for_everyone(
    client: TestClient, warehouse: FakeWarehouse
) -> None:
    mine = {"Authorization": "Bearer acme"}
    asked = {"provider": "openai", "model": "gpt-4o"}
    assert client.get("/v1/prices/model", params=asked, headers=mine).status_code == 200
    assert [query.organization for query in warehouse.of(Owners)] == ["acme"]
    assert client.get("/v1/prices/model", params=asked | {"organization": "zen"}, headers=mine).status_code == 403


def test_what_is_unknown_is_not_found(client: TestClient) -> None:
    unknown = {"provider": "openai", "model": "gpt-99"}
    assert "openai/gpt-99 has no price" in message(client.get("/v1/prices/model", params=unknown), 404)
    future: dict[str, Any] = {"provider": "openai", "model": "gpt-4o", "revision": 9}
    assert "there is no prices revision 9" in message(client.get("/v1/prices/model", params=future), 404)
    assert "there is no prices revision 9" in message(client.get("/v1/prices/diff?before=1&after=9"), 404)


def test_a_difference(client: TestClient, warehouse: FakeWarehouse) -> None:
    answers = iter([[SAID], [replace(SAID, row=replace(ROW, price_usd=Decimal(5)))]])
    warehouse.answers[SaidRows] = lambda _: next(answers)
    found = client.get("/v1/prices/diff?before=1&after=2").json()
    assert (found["added"], found["removed"], found["changed"], found["largest_percent"]) == (0, 0, 1, "100.00")
    (changed,) = found["prices"]
    assert (changed["before"]["price_usd"], changed["after"]["price_usd"]) == ("2.5", "5")


def test_the_history(client: TestClient, warehouse: FakeWarehouse) -> None:
    stored = StoredRevision("prices", "acme", 2, "a" * 64, "ada", "why", "hand", NOW, "", (Switch(3, 17, NOW),))
    warehouse.answers[History] = lambda _: [stored]
    (found,) = client.get("/v1/prices/history?organization=acme").json()["revisions"]
    assert (found["revision"], found["organization"], found["author"], found["partitions"]) == (2, "acme", "ada", 1)


def test_the_history_of_one_model_says_what_each_revision_changed(client: TestClient, warehouse: FakeWarehouse) -> None:
    dearer = replace(SAID, row=replace(ROW, price_usd=Decimal(5)))
    stored = [StoredRevision("prices", "", number, "", "ada", "", "hand", NOW, "") for number in (4, 3, 1)]
    own = [StoredRevision("prices", "acme", 2, "", "bob", "", "hand", NOW, "")]
    warehouse.answers[History] = lambda query: own if query.organization else stored
    said = {
        "": {1: [SAID], 3: [SAID], 4: [dearer]},
        "acme": {2: [replace(SAID, row=replace(ROW, organization="acme"))]},
    }
    warehouse.answers[SaidOfModel] = lambda query: said[query.organization]
    asked = {"provider": "openai", "model": "gpt-4o", "organization": "acme"}
    found = client.get("/v1/prices/history", params=asked).json()["revisions"]
    changes = [
        (each["revision"], each["organization"], [price["percent"] for price in each["difference"]["prices"]])
        for each in found
    ]
    assert changes == [(4, "", ["100.00"]), (2, "acme", [None]), (1, "", [None])]
    assert "name both" in message(client.get("/v1/prices/history?provider=openai"))


def test_what_models_cost_at_a_time_for_everyone_and_of_their_own(client: TestClient, warehouse: FakeWarehouse) -> None:
    window = replace(ROW, price_usd=Decimal(1), daily_from="16:30:00", daily_to="00:30:00")
    listed = [
        ROW,
        replace(ROW, unit="requests_kcount", per=1000),
        replace(ROW, price_usd=Decimal("1.25"), service_tier="batch"),
        replace(ROW, tier_start=200_000, price_usd=Decimal(5), marginal=True),
        window,
        replace(ROW, price_usd=Decimal(9), effective_from=MAY),
        replace(ROW, model="later", effective_from=MAY),
        replace(ROW, organization="acme", price_usd=Decimal(2)),
    ]
    warehouse.answers[SaidRows] = lambda _: [replace(SAID, row=row) for row in listed]
    asked: dict[str, Any] = {"organization": "acme", "at": "2026-04-30T00:00:00Z", "revision": 2}
    answer = client.get("/v1/prices", params=asked).json()
    assert (answer["revision"], answer["next_offset"]) == (2, None)
    everyones, own = answer["prices"]
    assert (everyones["organization"], everyones["price_revision"], everyones["standing"]) == ("", 1, "priced")
    assert (everyones["input_usd_per_million"], everyones["output_usd_per_million"]) == ("2.5", None)
    rates = [(each["unit"], each["price_usd"], each["service_tier"], each["daily_from"]) for each in everyones["rates"]]
    assert rates == [
        ("input_mtok", "2.5", "", ""),
        ("requests_kcount", "2.5", "", ""),
        ("input_mtok", "5", "", ""),
        ("input_mtok", "1", "", "16:30:00"),
        ("input_mtok", "1.25", "batch", ""),
    ]
    assert [each["marginal"] for each in everyones["rates"]] == [False, False, True, False, False]
    assert (own["organization"], own["price_revision"], own["input_usd_per_million"]) == ("acme", 2, "2")
    in_may = client.get("/v1/prices", params={"at": "2026-05-01T00:00:00Z", "limit": 1, "search": "GPT"}).json()
    assert (in_may["prices"][0]["input_usd_per_million"], in_may["next_offset"]) == ("9", 1)
    assert client.get("/v1/prices?revision=9").status_code == 404


def test_a_price_may_hold_at_a_time_of_day_and_bring_its_rule(client: TestClient, control: FakeControl) -> None:
    rule = '{"model": {"starts_with": "gpt-9"}}'
    more = {"model": "gpt-9", "daily_from": "16:30", "daily_to": "00:30:00", "match": rule}
    assert client.post("/v1/prices/set", json=SET | more).status_code == 202
    (row,) = (row for row in control.made if row.model == "gpt-9")
    assert (row.daily_from, row.daily_to, row.match, row.price_usd) == ("16:30:00", "00:30:00", rule, Decimal("3.10"))


def test_a_price_is_set_by_the_key(client: TestClient, control: FakeControl) -> None:
    answer = client.post("/v1/prices/set", json=SET | {"effective_from": "2026-05-01T02:00:00+02:00"})
    assert answer.status_code == 202
    found = answer.json()
    assert (found["revision"], found["places"][0]) == (2, {"partition": 3, "offset": 17})
    (changed,) = found["difference"]["prices"]
    assert (changed["change"], changed["percent"], changed["after"]["price_usd"]) == ("changed", "24.00", "3.1")
    assert changed["after"]["effective_from"] == "2026-05-01T00:00:00.000Z"
    ((organization, asked),) = control.asked
    assert (organization, asked.author, asked.note, asked.source) == ("", "key 0a1b2c3d4e5f", "dear", "api")


def test_a_dry_run_stores_nothing(client: TestClient, control: FakeControl) -> None:
    found = client.post("/v1/prices/set", json=SET | {"dry_run": True, "organization": "acme"}).json()
    assert (found["revision"], found["control_id"], found["places"]) == (None, None, [])
    assert found["difference"]["prices"][0]["after"]["organization"] == "acme"
    ended = client.post("/v1/prices/expire", json={"provider": "openai", "model": "gpt-4o", "dry_run": True}).json()
    (removed,) = ended["difference"]["prices"]
    assert (removed["change"], removed["before"]["price_usd"], removed["after"]) == ("removed", "2.5", None)
    assert [ended["difference"][word] for word in ("added", "removed", "changed")] == [0, 1, 0]
    free = SET | {"rates": [], "free": True, "dry_run": True}
    made = client.post("/v1/prices/set", json=free).json()["difference"]
    assert (made["added"], made["removed"], made["largest_percent"]) == (0, 1, None)
    assert [made["prices"][0][when]["unit"] for when in ("before", "after")] == ["input_mtok", "free"]
    assert control.asked == []


LIST = "provider,model,unit,price_usd\nopenai,gpt-4o,input_mtok,3\n"


def test_a_list_is_imported_whole_or_not_at_all(client: TestClient, control: FakeControl) -> None:
    found = client.post("/v1/prices/import", json={"content": LIST, "name": "contract.csv"}).json()
    (changed,) = found["difference"]["prices"]
    assert (changed["change"], changed["after"]["price_usd"]) == ("changed", "3")
    assert "contract.csv" in control.asked[0][1].source
    bad = client.post("/v1/prices/import", json={"content": LIST + "openai,gpt-4o-mini,input_mtok,-1\n"})
    assert "line 3" in message(bad)
    assert len(control.asked) == 1


def test_only_a_key_for_every_organization_changes_prices(client: TestClient, control: FakeControl) -> None:
    for secret, words in (("boss", "with a key for every organisation only"), ("all", "lacks the scope `admin`")):
        refused = client.post("/v1/prices/set", json=SET, headers={"Authorization": f"Bearer {secret}"})
        assert words in message(refused, 403)
    assert control.asked == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rates": [{"unit": "input_mtoks", "price_usd": "1"}]}, "there is no unit input_mtoks"),
        ({"rates": [{"unit": "input_mtok", "price_usd": "cheap"}]}, "'cheap' is no number"),
        ({"rates": [{"unit": "input_mtok", "price_usd": 2.5}]}, "price_usd"),
        ({"rates": [{"unit": "input_mtok", "price_usd": "NaN"}]}, "'NaN' is no number; write USD like 2.5"),
        ({"rates": [{"unit": "input_mtok", "price_usd": "Infinity"}]}, "'Infinity' is no number"),
        ({"effective_from": "2026-05-01T00:00:00"}, "effective_from"),
        ({"effective_from": "2106-01-01T00:00:00Z"}, "effective_from"),
        ({"effective_from": "9999-12-31T23:00:00-05:00"}, "effective_from"),
        ({"daily_from": "25:00", "daily_to": "01:00"}, "write a time of day in UTC"),
        ({"daily_from": "16:30+02:00", "daily_to": "01:00"}, "write a time of day in UTC"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_read_is_refused(client: TestClient, change: dict[str, Any], words: str) -> None:
    assert words in message(client.post("/v1/prices/set", json=SET | change))


def test_an_api_that_may_not_write_says_so(warehouse: FakeWarehouse) -> None:
    app = create_app(warehouse, FakeKeys(), lambda: NOW)
    reading = TestClient(app, headers={"Authorization": "Bearer root"}, raise_server_exceptions=False)
    assert reading.post("/v1/prices/set", json=SET).status_code == 503
