"""Margins on the real engine equal plain Python over the same events, to the nano-dollar."""

import dataclasses
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.recorded import Event
from warehouse.currency import ledger
from warehouse.currency.exchange_rate import ExchangeRate, RatesOf
from warehouse.queries.margin import Margin, MarginBy, MarginIn, MarginOrder, Margins
from warehouse.queries.query import ask
from warehouse.queries.selection import Selection, UnknownDimension

ACME = Selection("acme", date(2026, 3, 27), date(2026, 4, 1))


def nano(amount: Decimal) -> int:
    exact = amount.scaleb(9)
    assert exact == int(exact)
    return int(exact)


def expected(value: str, events: list[Event]) -> tuple[Any, ...]:
    cost, own_keys, billed = (
        sum(event[name] for event in events if types is None or event["billing_type"] == types)
        for name, types in (("cost_nano_usd", None), ("cost_nano_usd", "BYOK"), ("billed_nano_usd", None))
    )
    unpriced = sum(event["cost_status"] in ("unpriced", "partial") for event in events)
    return value, len(events), cost, own_keys, cost - own_keys, billed, billed - cost + own_keys, unpriced


def found(margin: Margin) -> tuple[Any, ...]:
    money = (margin.cost_usd, margin.byok_cost_usd, margin.provider_cost_usd, margin.billed_usd, margin.margin_usd)
    return margin.value, margin.requests, *map(nano, money), margin.unpriced_requests


def value_of(event: Event, by: MarginBy) -> str:
    return str(event["day"].replace(day=1) if by is MarginBy.MONTH else event[by])


@pytest.mark.integration
@pytest.mark.parametrize("by", MarginBy)
def test_margins_are_those_of_the_events(usage: Client, recorded: list[Event], by: MarginBy) -> None:
    mine = [e for e in recorded if e["organization"] == "acme" and date(2026, 3, 27) <= e["day"] <= date(2026, 4, 1)]
    values = {value_of(event, by) for event in mine}
    wanted = {value: [event for event in mine if value_of(event, by) == value] for value in values}
    page = ask(usage, Margins(by, ACME))
    told = [expected(value, events) for value, events in wanted.items()]
    assert [found(each) for each in page.page] == sorted(told, key=lambda each: (each[6], each[0]))
    assert found(page.whole) == expected("", mine)
    assert page.values == len(values)


@pytest.mark.integration
def test_customers_of_different_organizations_are_different_customers(usage: Client, recorded: list[Event]) -> None:
    page = ask(usage, Margins(MarginBy.CUSTOMER, Selection(), MarginOrder.NAME))
    owners = sorted({(event["customer_id"], event["organization"]) for event in recorded})
    wanted = {
        owner: expected(owner[0], [e for e in recorded if (e["customer_id"], e["organization"]) == owner])
        for owner in owners
    }
    assert [(each.value, each.organization) for each in page.page] == owners
    assert [found(each) for each in page.page] == list(wanted.values())
    assert (page.values, page.whole.organization) == (len(owners), "")
    models = ask(usage, Margins(MarginBy.MODEL, Selection())).page
    assert {each.organization for each in models} == {""}, "a model is everyone's"


@pytest.mark.integration
def test_each_day_is_converted_at_its_own_rate(changeable: Client, recorded: list[Event]) -> None:
    until, since = date(2026, 3, 30), date(2026, 3, 1)
    rates = [ExchangeRate("EUR", since, Decimal("0.9")), ExchangeRate("EUR", until, Decimal("0.95"))]
    ledger.state(changeable, rates, author="ada", source="test", note="", now=datetime(2026, 4, 5, tzinfo=UTC))

    def euros(name: str, events: list[Event]) -> Decimal:
        known = RatesOf("EUR", rates)
        return sum((known.converted(Decimal(event[name]).scaleb(-9), event["day"]) for event in events), Decimal(0))

    def told(events: list[Event]) -> tuple[Decimal, ...]:
        ours = euros("cost_nano_usd", [event for event in events if event["billing_type"] != "BYOK"])
        billed = euros("billed_nano_usd", events)
        return euros("cost_nano_usd", events), ours, billed, billed - ours

    mine = [e for e in recorded if e["organization"] == "acme" and date(2026, 3, 27) <= e["day"] <= date(2026, 4, 1)]
    for by in MarginBy:
        plain, page = ask(changeable, Margins(by, ACME)), ask(changeable, Margins(by, ACME, currency="EUR"))
        for each in (page.whole, *page.page):
            some = [e for e in mine if each is page.whole or each.value == value_of(e, by)]
            assert each.converted is not None
            assert dataclasses.astuple(each.converted) == told(some)
        assert [dataclasses.replace(each, converted=None) for each in page.page] == plain.page
        assert {each.converted for each in plain.page} == {None}
    none = ask(changeable, Margins(MarginBy.MODEL, Selection("nobody"), currency="EUR"))
    assert none.whole.converted == MarginIn(*[Decimal(0)] * 4)
    dollars = ask(changeable, Margins(MarginBy.MODEL, ACME, currency="USD")).whole
    assert dollars.converted is not None
    assert dollars.converted.margin == dollars.margin_usd
    gap = ask(changeable, Margins(MarginBy.MODEL, ACME, currency="CHF")).gap
    assert gap is not None
    assert f"no exchange rate for CHF on {min(event['day'] for event in mine)}" in str(gap)


@pytest.mark.integration
def test_a_page_and_its_order(usage: Client) -> None:
    days = ask(usage, Margins(MarginBy.DAY, Selection(), MarginOrder.NAME))
    assert [each.value for each in days.page] == sorted(each.value for each in days.page)
    page = ask(usage, Margins(MarginBy.DAY, Selection(), MarginOrder.NAME, limit=2, skip=1))
    assert (page.page, page.whole, page.values) == (days.page[1:3], days.whole, days.values)
    bills = ask(usage, Margins(MarginBy.MODEL, Selection(), MarginOrder.HIGHEST_BILL)).page
    assert [each.billed_usd for each in bills] == sorted((each.billed_usd for each in bills), reverse=True)


@pytest.mark.integration
def test_nothing_used(usage: Client) -> None:
    nothing = ask(usage, Margins(MarginBy.DAY, Selection("nobody")))
    assert (nothing.page, nothing.values, int(nothing.whole.margin_usd)) == ([], 0, 0)
    assert nothing.whole.margin_share is None


def test_the_share_is_of_what_is_billed() -> None:
    usd = Decimal("1.5")
    assert Margin("c", "acme", 1, usd, Decimal(0), usd, Decimal(2), Decimal("0.5"), Decimal(0), 0).margin_share == 0.25


def test_what_the_view_does_not_know_is_refused() -> None:
    with pytest.raises(UnknownDimension, match="customer_id, provider, model, not by user_id"):
        Margins(MarginBy.DAY, Selection(equals=(("user_id", "u1"),)))
