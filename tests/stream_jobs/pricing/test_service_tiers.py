"""Frames of calls that were served in different ways."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.price_row import SERVICE_TIERS

from .conftest import PriceRows, UsageFrame

LARGE = {"provider": "maker", "model": "large", "input_tokens": 1_000_000}


def _cost_usd(book: PriceBook, usage_frame: UsageFrame, **event: object) -> float:
    (cost,) = book.price(usage_frame([LARGE | event]))["cost_nano_usd"]
    return float(cost) / 10**9


def _rows(price_rows: PriceRows, **by_tier: str) -> list[PriceRow]:
    standard = price_rows(input_mtok="8", output_mtok="16")
    return [
        *standard,
        *(
            row
            for position, (tier, price) in enumerate(by_tier.items(), start=10)
            for row in price_rows(input_mtok=price, position=position, when={"service_tier": tier})
        ),
    ]


def test_each_call_takes_the_rates_of_its_service_tier(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    book = PriceBook.from_rows(_rows(price_rows, batch="4", priority="12"), revision=1)
    events = [LARGE | {"service_tier": tier} for tier in ("", "batch", "priority", "flex", "", "batch")]
    priced = book.price(usage_frame(events))
    assert [cost / 10**9 for cost in priced["cost_nano_usd"]] == [8, 4, 12, 8, 8, 4]
    assert set(priced["cost_status"]) == {"priced"}
    assert set(priced["priced_as"]) == {"maker/large"}


def test_what_a_service_tier_does_not_price_costs_what_it_does_otherwise(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    book = PriceBook.from_rows(_rows(price_rows, batch="4"), revision=1)
    assert _cost_usd(book, usage_frame, service_tier="batch", output_tokens=1_000_000) == 4 + 16


def test_a_service_tier_is_priced_at_the_calls_own_time(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    start = datetime(2026, 1, 2, tzinfo=UTC)
    rows = [replace(row, effective_from=start) if row.service_tier else row for row in _rows(price_rows, batch="4")]
    book = PriceBook.from_rows(rows, revision=1)
    times = (datetime(2026, 1, 1, tzinfo=UTC), start)
    assert [_cost_usd(book, usage_frame, service_tier="batch", time=time) for time in times] == [8, 4]


def test_an_unknown_model_is_unpriced_in_every_service_tier(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    book = PriceBook.from_rows(_rows(price_rows, batch="4"), revision=1)
    events = [LARGE | {"model": model, "service_tier": "batch"} for model in ("unheard-of", "")]
    assert book.price(usage_frame(events))["cost_status"].to_list() == ["unpriced", "unpriced"]


def test_own_prices_of_an_organization_replace_those_of_all_service_tiers(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    own = [
        *price_rows(input_mtok="5", position=20, when={"organization": "acme"}),
        *price_rows(input_mtok="3", position=21, when={"organization": "zeta"}),
        *price_rows(input_mtok="2", position=22, when={"organization": "zeta", "service_tier": "batch"}),
    ]
    book = PriceBook.from_rows([*_rows(price_rows, batch="4"), *own], revision=1)
    costs = {
        name: [_cost_usd(book, usage_frame, organization=name, service_tier=tier) for tier in ("", "batch")]
        for name in ("acme", "zeta", "others")
    }
    assert costs == {"acme": [5, 5], "zeta": [3, 2], "others": [8, 4]}


def test_every_service_tier_may_have_rates(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    prices = {tier: str(number) for number, tier in enumerate(SERVICE_TIERS, start=1)}
    book = PriceBook.from_rows(_rows(price_rows, **prices), revision=1)
    for tier, price in prices.items():
        assert _cost_usd(book, usage_frame, service_tier=tier) == int(price)


def test_rare_units_are_priced_in_the_service_tier_too(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    rows = [
        *price_rows(input_mtok="8", web_searches_kcount="1000"),
        *price_rows(web_searches_kcount="500", position=10, when={"service_tier": "flex"}),
    ]
    book = PriceBook.from_rows(rows, revision=1)
    searched = {"quantities": '{"web_searches":2}'}
    assert [_cost_usd(book, usage_frame, service_tier=tier, **searched) for tier in ("", "flex")] == [10, 9]


def test_a_service_tier_that_does_not_exist_is_refused(price_rows: PriceRows) -> None:
    with pytest.raises(
        PriceListRefused, match="maker/large: service tier 'overnight' does not exist; write one of batch"
    ):
        PriceBook.from_rows(_rows(price_rows, overnight="1"), revision=1)
