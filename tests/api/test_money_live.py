"""Exchange rates, invoices and closed periods over HTTP on the real engine, written by a user who may only insert."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.accounts import ThreadedAccounts
from api.app import create_app
from api.warehouse import ThreadedWarehouse
from deploy.local.secrets import INSERTS
from stream_jobs.pricing.seed import seed
from tests.api.fakes import FakeKeys
from tests.warehouse.engine import Engine, running
from tests.warehouse.invoices.reports import file_of, openai_bucket, openai_page, openai_result
from tests.warehouse.recorded import Event, events, store
from warehouse.client import connect
from warehouse.embedded.users import User, password_hash, read_users, write_users

pytestmark = pytest.mark.integration
NOW = datetime(2026, 4, 5, 12, tzinfo=UTC)
RECORDED = events()
ROOT, BOSS, ACME, ALL = ({"Authorization": f"Bearer {name}"} for name in ("root", "boss", "acme", "all"))
DAYS = "from=2026-03-20&to=2026-04-04"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture
def live(engine: Engine) -> Iterator[TestClient]:
    with engine.database() as (client, name):
        store(client, RECORDED)
        seed(client, NOW)
        users = read_users(engine.process.users_file)
        inserts = tuple(table.replace("tokentally.", f"{name}.") for table in INSERTS["api_writer"])
        user = User("api_writer", password_hash("api_writer-secret"), "reader", inserts=inserts)
        write_users(engine.process.users_file, users | {user.name: user})
        warehouse = ThreadedWarehouse(lambda: connect(engine.settings("api", name)), threads=4, waiting_max=20)
        accounts = ThreadedAccounts(lambda: connect(engine.settings("api_writer", name)))
        with TestClient(create_app(warehouse, FakeKeys(), lambda: NOW, accounts=accounts)) as made:
            yield made


def get(live: TestClient, path: str, headers: dict[str, str] = ALL, status: int = 200) -> dict[str, Any]:
    answer = live.get(path, headers=headers)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def set_rates(live: TestClient, *rates: tuple[str, str, str]) -> dict[str, Any]:
    body = {"rates": [dict(zip(("currency", "day", "units_per_usd"), rate, strict=True)) for rate in rates]}
    answer = live.post("/v1/currency/rates", json=body | {"note": "why"}, headers=ROOT)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def in_euros(some: list[Event]) -> str:
    """At 0.9, from the 30th on at 0.95."""
    rates = {event["event_id"]: "0.95" if event["day"] >= date(2026, 3, 30) else "0.9" for event in some}
    exact = sum(
        (Decimal(event["cost_nano_usd"]).scaleb(-9) * Decimal(rates[event["event_id"]]) for event in some), Decimal(0)
    )
    return format(exact, ".9f")


def test_answers_in_another_currency(live: TestClient) -> None:
    assert set_rates(live, ("EUR", "2026-03-01", "0.9"), ("EUR", "2026-03-30", "0.95")) == {"given": 2, "changed": 2}
    assert set_rates(live, ("EUR", "2026-03-30", "0.950")) == {"given": 1, "changed": 0}
    assert [rate["units_per_usd"] for rate in get(live, "/v1/currency/rates?currency=eur")["rates"]] == ["0.95", "0.9"]
    mine = [event for event in RECORDED if event["organization"] == "acme"]

    found = get(live, f"/v1/usage/breakdown?by=model&organization=acme&currency=EUR&limit=2&{DAYS}")
    assert found["conversion"] == {
        "currency": "EUR",
        "cost": in_euros(mine),
        "billed": found["conversion"]["billed"],
        "rates": [
            {"from": "2026-03-01", "to": "2026-03-29", "units_per_usd": "0.9"},
            {"from": "2026-03-30", "to": None, "units_per_usd": "0.95"},
        ],
    }
    assert {part["value"]: part["converted_cost"] for part in found["parts"]} == {
        part["value"]: in_euros([event for event in mine if event["model"] == part["value"]]) for part in found["parts"]
    }
    for granularity in ("hour", "day", "month"):
        line = get(live, f"/v1/usage/timeline?granularity={granularity}&organization=acme&currency=EUR&{DAYS}")
        assert line["conversion"]["cost"] == in_euros(mine)
        assert (line["buckets"][0]["converted_cost"] == "0.000000000") is (granularity != "month")
        shown = sum(Decimal(bucket["converted_cost"]) for bucket in line["buckets"])
        assert abs(shown - Decimal(in_euros(mine))) < Decimal("1e-9") * len(line["buckets"])


def test_the_overview_in_another_currency(live: TestClient) -> None:
    set_rates(live, ("EUR", "2026-03-01", "0.9"), ("EUR", "2026-03-30", "0.95"))
    mine = [event for event in RECORDED if event["organization"] == "acme"]
    found = get(live, "/v1/overview?organization=acme&currency=eur")
    april = [event for event in mine if event["day"] >= date(2026, 4, 1)]
    assert found["converted_cost"] == {"currency": "EUR", "all_time": in_euros(mine), "month": in_euros(april)}
    assert [each["converted_cost"] for each in found["last_7_days"]] == [
        in_euros([event for event in mine if str(event["day"]) == each["day"]]) for each in found["last_7_days"]
    ]
    assert get(live, "/v1/overview?organization=acme")["converted_cost"] is None


def test_without_a_currency_nothing_is_converted(live: TestClient) -> None:
    found = get(live, f"/v1/usage/breakdown?by=model&{DAYS}")
    assert (found["conversion"], found["parts"][0]["converted_cost"]) == (None, None)
    text = {"Accept": "text/csv"}
    assert "converted" not in live.get(f"/v1/usage/breakdown?by=model&{DAYS}", headers=ALL | text).text
    set_rates(live, ("EUR", "2026-03-01", "0.9"))
    header = live.get(f"/v1/usage/timeline?currency=EUR&{DAYS}", headers=ALL | text).text.splitlines()[0]
    assert header.endswith(",converted_cost,converted_billed")


def test_a_day_without_a_rate_is_refused_by_name(live: TestClient) -> None:
    first = min(event["day"] for event in RECORDED if event["organization"] == "acme")
    set_rates(live, ("EUR", "2026-03-30", "0.95"))
    for path in ("breakdown?by=model", "timeline?granularity=week"):
        refused = get(live, f"/v1/usage/{path}&organization=acme&currency=EUR&{DAYS}", status=422)["error"]
        assert refused["code"] == "missing_exchange_rate"
        assert f"there is no exchange rate for EUR on {first}" in refused["message"]
    assert (
        "no code of three letters"
        in get(live, "/v1/usage/breakdown?by=model&currency=€", status=422)["error"]["message"]
    )


def test_who_may_set_rates_and_what_they_may_be(live: TestClient) -> None:
    body = {"rates": [{"currency": "EUR", "day": "2026-03-01", "units_per_usd": "1"}]}
    assert live.post("/v1/currency/rates", json=body, headers=BOSS).status_code == 403
    assert live.post("/v1/currency/rates", json=body, headers=ALL).status_code == 403
    body["rates"] += [{"currency": "CHF", "day": "2026-03-01", "units_per_usd": "-1"}, body["rates"][0]]
    refused = live.post("/v1/currency/rates", json=body, headers=ROOT)
    assert refused.status_code == 422
    assert "rates.1: units_per_usd: -1 must be above 0" in refused.text
    assert "rates.2: EUR on 2026-03-01 is given twice" in refused.text
    assert get(live, "/v1/currency/rates")["rates"] == []


def test_an_invoice(live: TestClient) -> None:
    day = max(RECORDED, key=lambda event: event["time"])["time"].date()
    data = file_of(openai_page(openai_bucket(day, openai_result("12.5", "gpt-4o-2024-08-06, input"))))
    path = "/v1/invoices?account=main&file=march.json"
    stored = live.post(path, content=data, headers=ROOT)
    assert (stored.status_code, stored.json()["stored"]) == (200, True), stored.text
    assert live.post(path, content=data, headers=ROOT).json()["stored"] is False
    assert live.post(path, content=data, headers=ALL).status_code == 403
    assert "nothing was written: the file is no JSON" in live.post(path, content=b"{", headers=ROOT).text
    (report,) = get(live, "/v1/invoices")["reports"]
    assert (report["file"], report["author"], report["amount_usd"]) == ("march.json", "key 0a1b2c3d4e5f", "12.5")
    assert get(live, "/v1/invoices", ACME)["reports"] == [], "it charges calls of others too"

    compared = f"/v1/invoices/comparison?provider=openai&account=main&from={day}&to={day}"
    found = get(live, compared + "&by=model")
    mine = [
        event
        for event in RECORDED
        if event["time"].date() == day and event["provider"] == "openai" and event["billing_type"] == "SYSTEM"
    ]
    cost = Decimal(sum(event["cost_nano_usd"] for event in mine)).scaleb(-9)
    whole = {name: Decimal(value) for name, value in found["whole"].items() if name.endswith("_usd")}
    assert (whole["invoiced_usd"], whole["ours_usd"]) == (Decimal("12.5"), cost)
    parts = ("unpriced_usd", "partial_usd", "late_usd", "other_price_usd", "rest_usd")
    assert sum(whole[part] for part in parts) == whole["difference_usd"] == Decimal("12.5") - cost
    assert sum(Decimal(line["difference_usd"]) for line in found["lines"]) == whole["difference_usd"]
    assert "missing_exchange_rate" in live.get(compared + "&currency=EUR", headers=ALL).text
    set_rates(live, ("EUR", "2026-03-01", "0.9"))
    assert get(live, compared + "&currency=EUR")["whole"]["converted_invoiced"] == "11.250000000"
    assert get(live, compared, ACME, status=404)["error"]["code"] == "no_report"


def test_an_invoice_is_found_by_every_name_of_its_provider(live: TestClient) -> None:
    data = b"day,amount_usd,model\n2026-03-29,3,claude-sonnet-4-5\n"
    made = live.post("/v1/invoices?provider=Bedrock&account=cloud", content=data, headers=ROOT)
    assert (made.status_code, made.json()["provider"]) == (200, "aws"), made.text
    again = live.post("/v1/invoices?provider=aws&account=cloud", content=data, headers=ROOT)
    assert again.json()["stored"] is False
    days = "account=cloud&from=2026-03-29&to=2026-03-29"
    for name in ("bedrock", "aws", "amazon-bedrock"):
        found = get(live, f"/v1/invoices/comparison?provider={name}&{days}")
        assert (found["provider"], found["whole"]["invoiced_usd"]) == ("aws", "3")
        assert [report["provider"] for report in get(live, f"/v1/invoices?provider={name}")["reports"]] == ["aws"]


def test_an_organization_imports_for_itself_only(live: TestClient) -> None:
    data = file_of(openai_page(openai_bucket(date(2026, 3, 30), openai_result("1", "gpt-4o, input"))))
    assert live.post("/v1/invoices?paid_by=customer", content=data, headers=BOSS).status_code == 200
    assert live.post("/v1/invoices?organization=zen", content=data, headers=BOSS).status_code == 403
    assert get(live, "/v1/invoices", ACME)["reports"][0]["organization"] == "acme"
    compared = "/v1/invoices/comparison?provider=openai&from=2026-03-30&to=2026-03-30"
    assert get(live, compared, ACME)["whole"]["invoiced_usd"] == "1"
    assert get(live, compared, ALL, status=404)["error"]["code"] == "no_report", "the account of all has no report"
    assert get(live, f"{compared}&organization=acme")["compared_days"] == 1


def test_a_period_is_closed_once_and_compared_later(live: TestClient) -> None:
    body = {"first_day": "2026-03-28", "last_day": "2026-03-31", "note": "month-end"}
    made = live.post("/v1/periods", json=body, headers=BOSS)
    assert made.status_code == 201, made.text
    assert live.post("/v1/periods", json=body, headers=BOSS).status_code == 409
    assert live.post("/v1/periods", json=body | {"organization": "zen"}, headers=BOSS).status_code == 403
    assert live.post("/v1/periods", json=body | {"last_day": "2027-01-01"}, headers=BOSS).status_code == 409
    assert get(live, "/v1/periods", ACME)["periods"] == [made.json()]
    found = get(live, f"/v1/periods/{made.json()['period_id']}", ACME)
    mine = [event for event in RECORDED if event["organization"] == "acme" and 28 <= event["day"].day <= 31]
    cost = format(Decimal(sum(event["cost_nano_usd"] for event in mine)).scaleb(-9), ".9f")
    assert (found["changed"], found["whole"]["closed"]["cost_usd"]) == (False, cost)
    assert (found["whole"]["now"], found["whole"]["causes"]) == (found["whole"]["closed"], [])
    path = f"/v1/periods/{made.json()['period_id']}?currency=EUR"
    assert get(live, path, ACME, status=422)["error"]["code"] == "missing_exchange_rate"
    set_rates(live, ("EUR", "2026-03-01", "0.9"), ("EUR", "2026-03-30", "0.95"))
    assert get(live, path, ACME)["conversion"]["cost"] == in_euros(mine)
    assert (
        get(live, f"/v1/periods/{'0' * 8}-0000-0000-0000-{'0' * 12}", status=404)["error"]["code"] == "unknown_period"
    )


def test_without_a_writer_nothing_is_written(engine: Engine) -> None:
    with engine.database() as (_, name):
        warehouse = ThreadedWarehouse(lambda: connect(engine.settings("api", name)), threads=2, waiting_max=5)
        with TestClient(create_app(warehouse, FakeKeys(), lambda: NOW)) as client:
            body = {"rates": [{"currency": "EUR", "day": "2026-03-01", "units_per_usd": "1"}]}
            assert client.post("/v1/currency/rates", json=body, headers=ROOT).json()["error"]["code"] == "read_only"
