"""Margins over HTTP: what is asked of the warehouse, and the shape of the answer."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient

from tests.api.fakes import FakeWarehouse, message
from warehouse.currency.exchange_rate import ExchangeRate, RatesOf, missing
from warehouse.queries.exchange_rates import RatesInForce
from warehouse.queries.margin import Margin, MarginBy, MarginIn, MarginOrder, MarginPage, Margins


def margin(value: str, billed: str) -> Margin:
    return Margin(
        value,
        "acme" if value else "",
        2,
        Decimal(3),
        Decimal(1),
        Decimal(2),
        Decimal(billed),
        Decimal(billed) - 2,
        Decimal("0.5"),
        1,
    )


@pytest.fixture(autouse=True)
def answers(warehouse: FakeWarehouse) -> None:
    warehouse.answers[Margins] = lambda query: MarginPage([margin("c1", "0")], margin("", "1.600000001"), 3)


def test_margins(client: TestClient, warehouse: FakeWarehouse) -> None:
    path = "/v1/margin?by=model&order=highest_bill&customer_id=c1&from=2026-03-01&to=2026-03-02&limit=1&offset=1"
    found = client.get(f"{path}&organization=acme").json()
    sums = {
        "requests": 2,
        "cost_usd": "3.000000000",
        "byok_cost_usd": "1.000000000",
        "provider_cost_usd": "2.000000000",
        "credits": "0.500000",
        "unpriced_requests": 1,
    }
    loss = {"billed_usd": "0.000000000", "margin_usd": "-2.000000000", "margin_share": None}
    none = dict.fromkeys(("converted_cost", "converted_provider_cost", "converted_billed", "converted_margin"))
    assert found["margins"] == [sums | loss | none | {"value": "c1", "organization": "acme"}]
    assert found["conversion"] is None
    whole = {"billed_usd": "1.600000001", "margin_usd": "-0.399999999", "margin_share": -0.25}
    assert found["whole"] == sums | whole
    assert (found["by"], found["values"], found["next_offset"]) == ("model", 3, 2)
    (asked,) = warehouse.of(Margins)
    assert (asked.by, asked.order, asked.limit, asked.skip) == (MarginBy.MODEL, MarginOrder.HIGHEST_BILL, 1, 1)
    assert asked.selection.equals == (("customer_id", "c1"),)
    assert (asked.selection.first_day, asked.selection.last_day) == (date(2026, 3, 1), date(2026, 3, 2))


def test_margins_in_another_currency(client: TestClient, warehouse: FakeWarehouse) -> None:
    euros = MarginIn(Decimal("2.7"), Decimal("1.8"), Decimal("0"), Decimal("-1.8"))
    page = MarginPage([replace(margin("c1", "0"), converted=euros)], replace(margin("", "1"), converted=euros), 1)
    warehouse.answers[Margins] = lambda query: page
    rate = ExchangeRate("EUR", date(2026, 3, 1), Decimal("0.9"))
    warehouse.answers[RatesInForce] = lambda query: RatesOf(query.currency, [rate])
    found = client.get("/v1/margin?currency=eur&from=2026-03-01&to=2026-03-02").json()
    shown = {"cost": "2.700000000", "provider_cost": "1.800000000", "billed": "0.000000000", "margin": "-1.800000000"}
    rates = [{"from": "2026-03-01", "to": None, "units_per_usd": "0.9"}]
    assert found["conversion"] == shown | {"currency": "EUR", "rates": rates}
    assert {name: found["margins"][0][f"converted_{name}"] for name in shown} == shown
    assert [asked.currency for asked in warehouse.of(Margins)] == ["EUR"]
    text = client.get("/v1/margin?currency=eur", headers={"Accept": "text/csv"}).text
    assert "converted_provider_cost" in text.splitlines()[0]


def test_a_day_without_a_rate_is_refused(client: TestClient, warehouse: FakeWarehouse) -> None:
    gap = missing("EUR", date(2026, 3, 1))
    warehouse.answers[Margins] = lambda query: MarginPage([], margin("", "1"), 1, gap)
    answer = client.get("/v1/margin?currency=EUR")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "missing_exchange_rate")
    assert "no exchange rate for EUR on 2026-03-01" in message(answer)


def test_margins_as_csv(client: TestClient) -> None:
    answer = client.get("/v1/margin", headers={"Accept": "text/csv"})
    header, row = answer.text.splitlines()
    assert "converted" not in header
    assert dict(zip(header.split(","), row.split(","), strict=True))["margin_usd"] == "-2.000000000"


def test_what_the_margin_does_not_know_is_refused(client: TestClient) -> None:
    assert "not by user_id" in message(client.get("/v1/margin?user_id=u1"))
