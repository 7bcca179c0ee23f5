"""Own prices hold from their dates on; until then, and after their end, an organisation pays what everyone does."""

from datetime import UTC, datetime
from typing import Any

import pytest

from stream_jobs.pricing import PriceBook
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.overrides import layered
from stream_jobs.pricing.service_tiers import sheets_by_service_tier

from .conftest import PriceRows, UsageFrame

MARCH, MAY, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 5, 7))
ACME = {"organization": "acme"}


def usd(
    book: PriceBook, usage_frame: UsageFrame, *times: datetime, organization: str = "acme"
) -> list[tuple[Any, ...]]:
    """What a million tokens cost at these times, and the status."""
    event = {"organization": organization, "provider": "maker", "model": "large", "input_tokens": 1_000_000}
    priced = book.price(usage_frame([event | {"time": time} for time in times]))
    return [(cost // 10**9, status) for cost, status in priced.select("cost_nano_usd", "cost_status").iter_rows()]


def at(month: int, hour: int = 12) -> datetime:
    return datetime(2026, month, 15, hour, tzinfo=UTC)


def test_before_its_own_price_an_organization_pays_what_everyone_does(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    rows = [
        *price_rows(input_mtok="1"),
        *price_rows(input_mtok="2", position=1, when={"effective_from": MAY}),
        *price_rows(input_mtok="7", when=ACME | {"effective_from": MARCH}),
        *price_rows(input_mtok="8", position=1, when=ACME | {"effective_from": JULY}),
    ]
    book = PriceBook.from_rows(rows, revision=1)
    months = [at(month) for month in (2, 4, 6, 8)]
    assert [cost for cost, _ in usd(book, usage_frame, *months)] == [1, 7, 7, 8]
    assert [cost for cost, _ in usd(book, usage_frame, *months, organization="zeta")] == [1, 1, 2, 2]


def test_an_end_gives_back_what_holds_for_everyone(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    nightly = {"daily_from": "16:30:00", "daily_to": "00:30:00"}
    rows = [
        *price_rows(input_mtok="2"),
        *price_rows(input_mtok="1", position=1, when=nightly),
        *price_rows(input_mtok="3", position=2, when={"effective_from": JULY}),
        *price_rows(input_mtok="9", when=ACME | {"effective_from": MARCH}),
        *price_rows(**{"": "0"}, position=1, when=ACME | {"effective_from": MAY}),
    ]
    book = PriceBook.from_rows(rows, revision=1)
    times = [at(2), at(2, 20), at(4), at(4, 20), at(6), at(6, 20), at(8), at(8, 20)]
    assert [cost for cost, _ in usd(book, usage_frame, *times)] == [2, 1, 9, 9, 2, 1, 3, 3]


def test_an_end_of_a_model_of_its_own_leaves_it_without_a_price(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    rows = [
        *price_rows(input_mtok="9", when=ACME),
        *price_rows(**{"": "0"}, position=1, when=ACME | {"effective_from": MAY}),
    ]
    book = PriceBook.from_rows(rows, revision=1)
    assert usd(book, usage_frame, at(4), at(6)) == [(9, "priced"), (0, "unpriced")]


@pytest.mark.parametrize("start", [None, MARCH])
def test_sheets_that_never_hold_are_left_out(price_rows: PriceRows, start: datetime | None) -> None:
    """An own price for all times makes a model as quick to look up as it was."""
    everyones = sheets_by_service_tier(
        [*price_rows(input_mtok="1"), *price_rows(input_mtok="2", position=1, when={"effective_from": MAY})]
    )
    own = sheets_by_service_tier(price_rows(input_mtok="9", when={"effective_from": start} if start else {}))
    assert len(layered(everyones[""], own[""])) == (2 if start else 1)


ANY = '{"model": {"contains": ""}}'


def test_a_default_price_of_its_own_is_for_models_that_nobody_knows(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    everyones = price_rows(input_mtok="1")
    own = price_rows(model="*", match=ANY, input_mtok="9", when=ACME)
    book = PriceBook.from_rows([*everyones, *own], revision=1)
    assert usd(book, usage_frame, at(4)) == [(1, "priced")]
    found = book.resolve("acme", "maker", "unheard-of")
    assert found is not None
    assert found.model == "*"
    event = {"provider": "maker", "model": "unheard-of", "input_tokens": 1_000_000, "time": at(4)}
    frame = usage_frame([event | {"organization": name} for name in ("acme", "zeta")])
    priced = book.price(frame).select("cost_nano_usd", "cost_status", "priced_as").rows()
    assert priced == [(9 * 10**9, "priced", "maker/*"), (0, "unpriced", "")]
    shared_default = price_rows(model="*", match=ANY, input_mtok="5", position=1)
    book = PriceBook.from_rows([*everyones, *shared_default, *own], revision=1)
    priced = book.price(frame).select("cost_nano_usd", "cost_status", "priced_as").rows()
    assert priced == [(9 * 10**9, "priced", "maker/*"), (5 * 10**9, "priced", "maker/*")]
    assert usd(book, usage_frame, at(4)) == [(1, "priced")]


def test_an_organization_may_have_prices_for_one_service_tier_alone(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    everyones = [
        *price_rows(input_mtok="4", output_mtok="8"),
        *price_rows(input_mtok="2", output_mtok="4", position=2, when={"service_tier": "batch"}),
    ]
    own = price_rows(input_mtok="1", when=ACME | {"service_tier": "batch", "effective_from": MAY})
    book = PriceBook.from_rows([*everyones, *own], revision=1)
    event = {"provider": "maker", "model": "large", "input_tokens": 10**6, "output_tokens": 10**6}

    def costs(organization: str, month: int) -> list[int]:
        """Standard, in a batch, with priority (which nobody has a price for)."""
        told = event | {"organization": organization, "time": at(month)}
        frame = usage_frame([told | {"service_tier": tier} for tier in ("", "batch", "priority")])
        return [cost // 10**9 for cost in book.price(frame)["cost_nano_usd"]]

    assert costs("zeta", 6) == [12, 6, 12]
    assert costs("acme", 4) == [12, 6, 12]
    assert costs("acme", 6) == [12, 1 + 8, 12], "what its own sheet does not name costs as in the standard one"


@pytest.mark.parametrize(("has_its_own", "costs"), [(True, [9, 9]), (False, [2.5, 2])])
def test_what_another_seller_asks_of_everyone_is_not_changed_by_a_price_for_the_makers_model(
    price_rows: PriceRows, usage_frame: UsageFrame, *, has_its_own: bool, costs: list[float]
) -> None:
    """Azure sells OpenAI's models: at the maker's price only where it has none of its own."""
    sold = price_rows(provider="azure", model="gpt-4o", input_mtok="9") if has_its_own else []
    own = price_rows(provider="openai", model="gpt-4o", input_mtok="2", when=ACME | {"effective_from": MAY})
    book = PriceBook.from_rows([*catalogue_rows(), *sold, *own], revision=1)
    event = {"organization": "acme", "provider": "azure", "model": "gpt-4o", "input_tokens": 1_000_000}
    events = [event | {"time": at(month)} for month in (4, 6)]
    found = book.price(usage_frame([*events, event | {"time": at(6), "provider": "openai"}]))
    assert [cost / 10**9 for cost in found["cost_nano_usd"]] == [*costs, 2]


def test_an_end_gives_back_everyones_price_in_the_hours_of_a_service_tier(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    batch = ACME | {"service_tier": "batch", "effective_from": MARCH, "daily_from": "08:00:00", "daily_to": "14:00:00"}
    rows = [
        *price_rows(input_mtok="2"),
        *price_rows(input_mtok="9", when=ACME | {"effective_from": MARCH}),
        *price_rows(input_mtok="1", position=1, when=batch),
        *price_rows(**{"": "0"}, position=2, when=ACME | {"effective_from": MAY}),
    ]
    event = {"provider": "maker", "model": "large", "input_tokens": 10**6, "service_tier": "batch"}
    frame = usage_frame([event | {"time": at(month)} for month in (4, 6)])
    priced = PriceBook.from_rows(rows, revision=1).price(frame)
    assert priced.select("cost_nano_usd", "cost_status").rows() == [(10**9, "priced"), (2 * 10**9, "priced")]
