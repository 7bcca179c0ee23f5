"""A name that another entry priced until a date keeps that price before it, and has it again after an end."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from stream_jobs.configuring.ledger import PRICES
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.cost_lines import cost_lines
from stream_jobs.pricing.editing.difference import difference
from stream_jobs.pricing.editing.listed import with_list
from stream_jobs.pricing.editing.price import NewPrice, with_end, with_price
from stream_jobs.pricing.editing.rate import read_rate
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.match import FirstMatch
from stream_jobs.pricing.price_row import ALWAYS

from .conftest import PriceRows, UsageFrame

MARCH, APRIL = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4))
DATED, ROUTED = ("openai", "gpt-4o-2024-08-06"), ("azure", "gpt-4o")
SHIPPED = [row for row in catalogue_rows() if row.provider in ("openai", "azure")]


def price(name: tuple[str, str], *rates: str, organization: str = "", start: datetime = MARCH) -> NewPrice:
    return NewPrice(*name, tuple(map(read_rate, rates)), start, "hand", organization)


def priced(rows: Sequence[PriceRow], usage_frame: UsageFrame, name: tuple[str, str], month: int, **more: str) -> float:
    """What a million tokens each way cost in the middle of a month, in USD."""
    event: Mapping[str, Any] = {
        **{"provider": name[0], "model": name[1], "time": datetime(2026, month, 15, tzinfo=UTC)},
        **{"input_tokens": 10**6, "output_tokens": 10**6, **more},
    }
    book = PriceBook.from_rows(rows, revision=1)
    call = usage_frame([event])
    ((cost, *said),) = book.price(call).select("cost_nano_usd", "cost_status", "priced_as").rows()
    explained = cost_lines(call, book)
    assert (explained.rounded_nano_usd, explained.status, explained.priced_as) == (cost, *said)
    assert all(line.row is not None for line in explained.lines)
    assert said[0] == "priced"
    return float(cost / 10**9)


@pytest.mark.parametrize("name", [DATED, ROUTED])
@pytest.mark.parametrize("organization", ["", "acme"])
def test_e24_a_price_for_a_name_leaves_usage_before_and_after_it_its_price(
    usage_frame: UsageFrame, name: tuple[str, str], organization: str
) -> None:
    shared = SHIPPED if organization else []
    own = with_price([] if organization else SHIPPED, price(name, "input_mtok=2", organization=organization), shared)
    rows = [*shared, *own]
    usual = 12.5
    assert priced(rows, usage_frame, name, 1) == usual
    assert priced(rows, usage_frame, name, 3) == 12, "what is not named goes on"
    assert priced(rows, usage_frame, name, 3, organization="zen") == (usual if organization else 12)
    rows = [*shared, *with_end(own, organization, *name, APRIL, "hand")]
    assert [priced(rows, usage_frame, name, month) for month in (1, 3, 5)] == [12.5, 12, 12.5]
    again = with_price(
        rows if not organization else with_end(own, organization, *name, APRIL, "hand"),
        price(name, "input_mtok=1", organization=organization, start=APRIL + timedelta(days=9)),
        shared,
    )
    assert priced([*shared, *again], usage_frame, name, 5) == 11, "what holds after the end goes on"


def test_e24_what_an_organization_agreed_to_holds_whatever_everyone_pays_for_the_name(usage_frame: UsageFrame) -> None:
    contract = with_price([], price(("openai", "gpt-4o"), "input_mtok=1", organization="acme", start=MARCH), SHIPPED)
    shared = with_price(SHIPPED, price(DATED, "input_mtok=2", start=APRIL))
    rows = [*shared, *contract]
    assert [priced(rows, usage_frame, DATED, month) for month in (1, 3, 5)] == [12.5, 11, 11]


def test_e24_service_tiers_of_the_name_are_those_of_what_prices_it(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    rule = '{"model": {"starts_with": "large"}}'
    rows = [
        *price_rows(input_mtok="2", output_mtok="2", match=rule),
        *price_rows(input_mtok="1", output_mtok="1", match=rule, position=2, when={"service_tier": "batch"}),
    ]
    rows = with_price(rows, price(("maker", "large-1"), "input_mtok=4"))
    for month, tier, usd in ((1, "", 4), (1, "batch", 2), (3, "", 6), (3, "batch", 2)):
        assert priced(rows, usage_frame, ("maker", "large-1"), month, service_tier=tier) == usd


def test_e24_a_model_of_the_catalogue_that_ends_is_not_priced_as_what_looks_like_it(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    rows = [
        *price_rows(model="large-mini", input_mtok="1"),
        *price_rows(input_mtok="2", match='{"model": {"starts_with": "large"}}', position=1),
    ]
    rows = with_end(rows, "", "maker", "large-mini", MARCH, "hand")
    frame = usage_frame([{"provider": "maker", "model": "large-mini", "input_tokens": 1, "time": APRIL}])
    assert PriceBook.from_rows(rows, revision=1).price(frame)["cost_status"].item() == "unpriced"


def test_e24_a_dated_list_leaves_a_name_that_it_brings_its_price_until_then(usage_frame: UsageFrame) -> None:
    listed = with_price([], price(DATED, "input_mtok=2", "output_mtok=9", start=ALWAYS))
    rows = with_list(SHIPPED, listed, effective_from=MARCH)
    assert [priced(rows, usage_frame, DATED, month) for month in (1, 3)] == [12.5, 11]
    assert with_list(rows, listed, effective_from=MARCH) == rows


def test_e24_a_frame_of_all_times_is_priced_like_each_event_alone(usage_frame: UsageFrame) -> None:
    shared = with_price(SHIPPED, price(DATED, "input_mtok=2"))
    own = with_price([], price(ROUTED, "input_mtok=3", organization="acme"), shared)
    own = with_end(own, "acme", *ROUTED, APRIL, "hand")
    own = with_price(own, price(DATED, "input_mtok=5", organization="acme", start=APRIL), shared)
    book = PriceBook.from_rows([*shared, *own], revision=1)
    chance = Random(7)
    names = [DATED, ROUTED, ("openai", "gpt-4o"), ("", "gpt-4o-2024-08-06"), ("openai", "never-heard-of")]
    events = []
    for _ in range(400):
        provider, model = chance.choice(names)
        moment = MARCH + timedelta(seconds=chance.randrange(-90 * 86_400, 90 * 86_400))
        events.append(
            {
                **{"organization": chance.choice(["acme", "zen"]), "provider": provider, "model": model},
                **{"service_tier": chance.choice(["", "", "batch", "priority"]), "input_tokens": 10**6},
                "time": chance.choice([moment, MARCH, APRIL, MARCH - timedelta(milliseconds=1)]),
            }
        )
    together = book.price(usage_frame(events)).select("cost_nano_usd", "cost_status", "priced_as").rows()
    fresh = PriceBook.from_rows([*shared, *own], revision=1)
    alone = [
        fresh.price(usage_frame([event])).select("cost_nano_usd", "cost_status", "priced_as").row(0) for event in events
    ]
    assert together == alone
    assert len(set(together)) > 4


@pytest.mark.parametrize("organization", ["", "acme"])
def test_what_a_name_was_priced_as_is_what_its_first_price_is_compared_with(organization: str) -> None:
    shared = SHIPPED if organization else []
    before = [] if organization else SHIPPED
    after = with_price(before, price(DATED, "input_mtok=2", organization=organization), shared)
    (shown,) = difference(before, after, shared).prices
    assert (shown.row.model, shown.row.unit, shown.percent) == (DATED[1], "input_mtok", Decimal("-20.00"))


def test_a_rule_for_a_known_model_holds_for_all_its_prices(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    rows = with_price(
        price_rows(input_mtok="1"),
        replace(price(("maker", "large"), "input_mtok=2"), match='{"model": {"starts_with": "large"}}'),
    )
    assert [
        PriceBook.from_rows(rows, revision=1)
        .price(usage_frame([{"provider": "maker", "model": "large-9", "input_tokens": 10**6, "time": at}]))[
            "cost_nano_usd"
        ]
        .item()
        for at in (MARCH - timedelta(days=1), MARCH)
    ] == [10**9, 2 * 10**9]


def test_a_clause_is_looked_past() -> None:
    first = FirstMatch([{"equals": "a"}, {"or": [{"equals": "a"}, {"equals": "b"}]}, {"starts_with": "a"}])
    assert [first.find("a", skipped) for skipped in ((), {0}, {0, 1}, {0, 1, 2})] == [0, 1, 2, None]


FAMILY = '{"model": {"starts_with": "large"}}'


def million(rows: Sequence[PriceRow], usage_frame: UsageFrame, **event: Any) -> tuple[float, str, str]:
    """What a million tokens each way of maker/large-1 cost: USD, status and what it is priced as."""
    call = {"provider": "maker", "model": "large-1", "time": APRIL, "input_tokens": 10**6, "output_tokens": 10**6}
    frame = PriceBook.from_rows(rows, revision=1).price(usage_frame([call | event]))
    cost, status, entry = frame.select("cost_nano_usd", "cost_status", "priced_as").row(0)
    return float(cost / 10**9), status, entry


def test_a_price_for_one_service_tier_leaves_the_standard_price_of_its_name(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    family = price_rows(input_mtok="2", output_mtok="8", match=FAMILY, position=5)
    batch = price_rows(model="large-1", input_mtok="1", when={"service_tier": "batch"})
    assert million([*batch, *family], usage_frame) == (10, "priced", "maker/large")
    assert million([*batch, *family], usage_frame, service_tier="batch") == (9, "priced", "maker/large")
    only = replace(price(("maker", "large-1"), "input_mtok=1"), service_tier="batch", only=True)
    rows = with_price(family, only)
    assert million(rows, usage_frame, service_tier="batch")[0] == 9


def test_three_entries_that_lie_over_each_other_leave_what_is_not_named(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    family = price_rows(input_mtok="2", output_mtok="8", match=FAMILY, position=5)
    between = price_rows(
        model="large-", input_mtok="3", output_mtok="8", match=FAMILY, position=3, when={"effective_from": APRIL}
    )
    rows = with_price([*between, *family], price(("maker", "large-1"), "input_mtok=1"))
    january = APRIL - timedelta(days=90)
    assert [million(rows, usage_frame, time=time)[0] for time in (january, MARCH, APRIL)] == [10, 9, 9]
    (shown,) = difference([*between, *family], rows).prices
    assert (shown.row.unit, shown.percent) == ("input_mtok", Decimal(-50))


def test_credits_and_reports_know_a_name_as_before_it_had_a_price_of_its_own(usage_frame: UsageFrame) -> None:
    for organization in ("", "acme"):
        own = with_price(
            [] if organization else SHIPPED, price(DATED, "input_mtok=2", organization=organization), SHIPPED
        )
        book = PriceBook.from_rows([*(SHIPPED if organization else ()), *own], revision=1)
        frame = usage_frame(
            [{"organization": "acme", "provider": "openai", "model": DATED[1], "time": time} for time in (MARCH, APRIL)]
        )
        assert set(book.price(frame)["priced_as"]) == {"openai/gpt-4o"}


def test_a_list_with_several_past_dates_is_imported_from_a_date(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    family = price_rows(input_mtok="2", output_mtok="8", match=FAMILY, position=5)
    dates = [ALWAYS, MARCH - timedelta(days=300), MARCH - timedelta(days=30), APRIL]
    listed = [
        replace(row, organization="acme", effective_from=date, price_usd=Decimal(number))
        for number, date in enumerate(dates, start=3)
        for row in price_rows(model="large-1", input_mtok="1")
    ]
    made = with_list([], listed, effective_from=MARCH, everyones=family)
    PRICES.judge([], made, family)
    rows = [*family, *made]
    found = [
        million(rows, usage_frame, time=time, organization="acme")[0]
        for time in (MARCH - timedelta(days=1), MARCH, APRIL)
    ]
    assert found == [10, 5 + 8, 6 + 8]


@pytest.mark.parametrize("organization", ["", "acme"])
def test_a_unit_that_is_wrong_shows_beside_what_a_name_was_priced_as(price_rows: PriceRows, organization: str) -> None:
    family = price_rows(input_mtok="2.5", output_mtok="10", match=FAMILY, position=5)
    shared = family if organization else []
    before = [] if organization else family
    wrong = with_price(before, price(("maker", "large-1"), "input_mtok=0.0025", organization=organization), shared)
    with pytest.raises(PriceListRefused, match=r"is 2\.5 for maker/large; no price differs 500 times"):
        PRICES.judge(before, wrong, shared)
    nightly = replace(
        price(("maker", "large-1"), "input_mtok=1", organization=organization),
        daily_from="00:00:00",
        daily_to="06:00:00",
    )
    PRICES.judge(before, with_price(before, nightly, shared), shared)
