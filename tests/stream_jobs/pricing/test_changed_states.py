"""A state that is made from another one by changes of organisations is the state that its rows make from scratch."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.price_row import ANY_MODEL, NO_RATES
from stream_jobs.pricing.shared_prices import SharedPrices
from stream_jobs.pricing.units import UNITS_BY_PRICE_KEY

from .conftest import PriceRows, UsageFrame

MAY: Final = datetime(2026, 5, 1, tzinfo=UTC)
LATER: Final = datetime(2026, 5, 20, tzinfo=UTC)
OWNERS: Final = ("acme", "zeta", "maker")
Change = Mapping[str, Sequence[PriceRow]]


def rates(provider: str, model: str, match: str = "", /, **said: Any) -> list[PriceRow]:
    """Rows of one sheet. said: prices by unit, and fields of a row."""
    fields = {name: value for name, value in said.items() if name not in UNITS_BY_PRICE_KEY and name != "ended"}
    priced = {name: value for name, value in said.items() if name in UNITS_BY_PRICE_KEY}
    first = PriceRow(provider, model, model, match, NO_RATES, Decimal(0), 1, 0, "test", **fields)
    named = [replace(first, unit=u, price_usd=Decimal(p), per=UNITS_BY_PRICE_KEY[u].per) for u, p in priced.items()]
    return named or [first]


def clause(**said: str) -> str:
    return json.dumps({"model": said})


def rules(provider: str, /, **said: Any) -> list[PriceRow]:
    return rates(provider, "", json.dumps(said))


def placed(groups: Sequence[Sequence[PriceRow]], organization: str = "") -> list[PriceRow]:
    rows = [row for group in groups for row in group]
    return [replace(row, position=position, organization=organization) for position, row in enumerate(rows)]


SHARED: Final = SharedPrices(
    1,
    placed(
        [
            rules("open", provider={"contains": "open"}, model={"starts_with": "g-"}),
            rates("open", "g-4", clause(starts_with="g-4"), input_mtok="2", output_mtok="8", web_searches_kcount="1"),
            rates("open", "g-4", input_mtok="3", output_mtok="8", effective_from=MAY),
            rates("open", "g-4", input_mtok="1", service_tier="batch"),
            rates("open", "g-5", input_mtok="5", output_mtok="6"),
            rates("open", "g-5", input_mtok="7", tier_start=1000),
            rules("sky", fallback=["open", "own-open"]),
            rates("sky", "special", input_mtok="4"),
            rates("maker", "large", input_mtok="9", daily_from="08:00:00", daily_to="20:00:00"),
        ]
    ),
)
"""Matching rules, fallbacks, dates, windows, tiers; one provider without rules of its own."""

GROUPS: Final = (
    [rates("open", "g-4", input_mtok=price, output_mtok="1") for price in ("11", "12")]
    + [rates("open", "g-4", input_mtok="13", effective_from=MAY)]
    + [rates("open", "g-4", input_mtok="14", service_tier="batch"), rates("open", "g-4", effective_from=LATER)]
    + [rates("open", "g-5", input_mtok="15"), rates("open", "g-5", input_mtok="16", tier_start=500)]
    + [
        [
            *rates("maker", "large", input_mtok="18"),
            *rates("maker", "large", input_mtok="17", tier_start=900, marginal=True),
        ]
    ]
    + [rates("maker", "large", input_mtok="19", daily_from="22:00:00", daily_to="03:00:00")]
    + [rates("open", "tuned", match, input_mtok="20") for match in ("", clause(starts_with="ft:"))]
    + [rates("house", "tuned", input_mtok="21"), rates("own-open", "g-6", input_mtok="22")]
    + [rates("house", ANY_MODEL, clause(contains=""), input_mtok="23", web_searches_kcount="2")]
    + [rates("sky", "g-4", input_mtok="24"), rules("house", provider={"equals": "home"})]
)
"""What an organisation may say: new prices, ends, models of its own, providers of its own, their rules."""

NAMES: Final = [
    *[("open", "g-4"), ("OpenAI", "g-4-turbo"), ("", "g-4"), ("sky", "g-4"), ("sky", "g-5"), ("", "open/g-5")],
    *[("open", "tuned"), ("open", "ft:acme"), ("", "sky/ft:acme"), ("house", "tuned"), ("", "house/tuned")],
    *[("home", "tuned"), ("house", "whatever"), ("sky", "g-6"), ("maker", "large"), ("maker", "open/g-5")],
    *[("elsewhere", "open/tuned"), ("open", "unknown"), ("open", ""), ("sky", "special"), ("litellm", "g-5")],
]
EVENTS: Final = [
    {
        "organization": organization,
        "provider": provider,
        "model": model,
        "time": time,
        "service_tier": tier,
        "input_tokens": 1001,
        "output_tokens": 10,
        "quantities": quantities,
    }
    for organization in (*OWNERS, "nobody")
    for provider, model in NAMES
    for time, tier, quantities in (
        (datetime(2026, 1, 1, 12, tzinfo=UTC), "", ""),
        (datetime(2026, 6, 1, 23, tzinfo=UTC), "", '{"web_searches":3}'),
        (datetime(2026, 6, 1, 1, tzinfo=UTC), "batch", ""),
    )
]

own_rows = st.lists(st.sampled_from(range(len(GROUPS))), max_size=4, unique=True).map(
    lambda at: [GROUPS[n] for n in at]
)
changes = st.lists(st.dictionaries(st.sampled_from(OWNERS), own_rows, min_size=1, max_size=2), min_size=1, max_size=6)


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_jobs.pricing.entries.UNUSED", 3)


def states(sequence: Sequence[Change]) -> Iterator[tuple[PriceBook, PriceBook]]:
    """Each state made from the one before, and from scratch."""
    made, rows = PriceBook.compiled(1, SHARED), dict[str, Sequence[PriceRow]]()
    for number, change in enumerate(sequence, start=2):
        made = made.changed(number, change)
        rows |= change
        yield made, PriceBook.compiled(number, SHARED, [row for of in rows.values() for row in of])


def check_against_rules(book: PriceBook, priced: pl.DataFrame) -> None:
    """Frames are priced as what each of their events means by itself."""
    for organization, provider, model, priced_as in priced.select(
        "organization", "provider", "model", "priced_as"
    ).iter_rows():
        found = book.resolve(organization, provider, model)
        if found is None:
            assert priced_as == ""
            continue
        entry, own = (found.provider, found.model), book._own.get(organization)
        called = (own.prices.called if own else {}).get(entry) or book.shared.called(entry)
        assert priced_as == "/".join(called)


@given(drawn=changes)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@pytest.mark.usefixtures("little_room")
def test_a_changed_state_prices_as_the_same_state_from_scratch(
    usage_frame: UsageFrame, drawn: list[dict[str, list[list[PriceRow]]]]
) -> None:
    sequence = [{owner: placed(groups, owner) for owner, groups in change.items()} for change in drawn]
    frame = usage_frame(EVENTS)
    seen: list[tuple[PriceBook, pl.DataFrame]] = []
    for made, scratch in states(sequence):
        priced = made.price(frame)
        assert priced.equals(scratch.price(frame))
        check_against_rules(made, priced)
        for row in range(0, frame.height, 37):
            assert made.charged(frame[row : row + 1]) == scratch.charged(frame[row : row + 1])
        seen.append((made, priced))
    for owner in OWNERS:
        for name in NAMES:
            assert made.resolve(owner, *name) == scratch.resolve(owner, *name)
    for book, priced in seen:
        assert book.price(frame).equals(priced), "a later state changes no earlier one"


def test_states_share_what_an_organization_did_not_change() -> None:
    acme = placed([GROUPS[0]], "acme")
    first = PriceBook.compiled(1, SHARED, [*acme, *placed([GROUPS[1]], "zeta")])
    second = first.changed(2, {"zeta": placed([GROUPS[2]], "zeta")})
    assert second.shared is first.shared
    assert second._own["acme"] is first._own["acme"]
    assert second._entries is first._entries


def test_entries_that_no_longer_hold_are_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_jobs.pricing.entries.UNUSED", 20)
    book, sizes = PriceBook.compiled(1, SHARED), []
    for number in range(2, 80):
        book = book.changed(number, {"acme": placed([GROUPS[4]], "acme")})
        sizes.append(len(book._entries.tables.priced_as))
    assert max(sizes) <= sizes[0] + 22


def test_two_organizations_may_find_their_model_by_different_rules(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    rows = [
        *price_rows(input_mtok="1", model="tuned", when={"organization": "acme"}),
        *price_rows(input_mtok="2", model="tuned", match=clause(equals="ours"), when={"organization": "zeta"}),
    ]
    event = {"provider": "maker", "model": "ours", "input_tokens": 10**6, "organization": "zeta"}
    assert PriceBook.from_rows(rows, revision=1).price(usage_frame([event]))["cost_nano_usd"].item() == 2 * 10**9


def test_a_provider_that_one_organization_knows_hides_no_price_of_another(usage_frame: UsageFrame) -> None:
    """To zeta `house` is no provider, so a prefix says who is meant."""
    rows = [
        *placed([rates("house", "tuned", input_mtok="1")], "acme"),
        *placed([rates("open", "tuned", input_mtok="2")], "zeta"),
    ]
    event = {"provider": "house", "model": "open/tuned", "input_tokens": 10**6, "organization": "zeta"}
    assert PriceBook.compiled(1, SHARED, rows).price(usage_frame([event]))["cost_nano_usd"].item() == 2 * 10**9
