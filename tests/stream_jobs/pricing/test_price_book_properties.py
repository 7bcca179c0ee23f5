"""What holds for every frame: parts add up to the whole, order does not matter, and both forms of the rule agree."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from stream_jobs.pricing import PriceBook
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.rare_units import exact_charges
from stream_jobs.pricing.rate_card import rate_cards
from stream_jobs.pricing.units import BUCKET_UNITS
from tokentally.tokens import TOKEN_BUCKETS

from .conftest import PriceRows, UsageFrame

_NAMES = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-5"),
    ("azure", "gpt-5"),
    ("anthropic", "claude-3-7-sonnet"),
    ("google", "gemini-2.5-pro"),
    ("deepseek", "deepseek-v4-flash"),
    ("groq", "whisper-large-v3"),
    ("perplexity", "sonar"),
    ("openai", "text-embedding-3-small"),
    ("openrouter", "deepseek/deepseek-r1:free"),
    ("", "no-such-model"),
    ("", ""),
]
_COUNT = st.one_of(st.just(0), st.integers(0, 300_000), st.sampled_from([199_999, 200_000, 200_001, 10**12]))


@st.composite
def _event(draw: st.DrawFn) -> dict[str, Any]:
    provider, model = draw(st.sampled_from(_NAMES))
    buckets = draw(st.dictionaries(st.sampled_from(TOKEN_BUCKETS), _COUNT, max_size=5))
    quantities = draw(st.sampled_from(["", "", json.dumps({"audio_seconds": 3}), json.dumps({"web_searches": 1.5})]))
    time = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(milliseconds=draw(st.integers(0, 4 * 365 * 86_400_000)))
    reported = draw(st.none() | st.integers(0, 10**12))
    served = {"service_tier": draw(st.sampled_from(["", "", "batch", "flex", "priority", "fast"]))}
    names = {"provider": provider, "model": model, "time": time, "reported_cost_nano_usd": reported} | served
    return names | buckets | {"quantities": quantities}


@settings(max_examples=60, deadline=None)
@given(events=st.lists(_event(), min_size=1, max_size=12), cut=st.integers(0, 12))
def test_a_frame_costs_what_its_parts_cost(
    catalogue_book: PriceBook, usage_frame: UsageFrame, events: list[dict[str, Any]], cut: int
) -> None:
    frame = usage_frame(events)
    parts = pl.concat([catalogue_book.price(frame[:cut]), catalogue_book.price(frame[cut:])])
    assert_frame_equal(catalogue_book.price(frame), parts)


@settings(max_examples=60, deadline=None)
@given(events=st.lists(_event(), min_size=1, max_size=12), chance=st.randoms(use_true_random=False))
def test_an_events_cost_does_not_depend_on_its_place(
    catalogue_book: PriceBook, usage_frame: UsageFrame, events: list[dict[str, Any]], chance: Any
) -> None:
    order = list(range(len(events)))
    chance.shuffle(order)
    frame = usage_frame(events)
    assert_frame_equal(catalogue_book.price(frame[order]), catalogue_book.price(frame)[order])


_PRICE = st.decimals(0, 1000, allow_nan=False, places=18) | st.decimals(0, 100, allow_nan=False, places=2)
_UNITS = ["input_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "output_mtok"]


@settings(max_examples=80, deadline=None)
@given(
    prices=st.dictionaries(st.sampled_from(_UNITS), _PRICE, min_size=1),
    counts=st.lists(_COUNT, min_size=14, max_size=14),
)
def test_columns_and_plain_numbers_agree(
    price_rows: PriceRows, usage_frame: UsageFrame, prices: dict[str, Any], counts: list[int]
) -> None:
    rows: list[PriceRow] = price_rows(**{unit: str(price) for unit, price in prices.items()})
    (card,) = rate_cards(rows)
    usage = {unit.usage_key: Fraction(count) for unit, count in zip(BUCKET_UNITS, counts, strict=True)}
    charges = card.charges(usage)
    event = {"provider": "maker", "model": "large"} | dict(zip(TOKEN_BUCKETS, counts, strict=True))
    priced = PriceBook.from_rows(rows, revision=1).price(usage_frame([event])).row(0, named=True)
    assert priced["cost_nano_usd"] == round(sum((charge.nano_usd for charge in charges), Fraction(0)))
    assert (priced["cost_status"] == "partial") == any(charge.priced_unit is None for charge in charges)


@settings(max_examples=120, deadline=None)
@given(
    prices=st.dictionaries(st.sampled_from(_UNITS), _PRICE, min_size=1),
    steps=st.lists(st.tuples(st.integers(1, 1000), _PRICE), min_size=1, max_size=3, unique_by=lambda step: step[0]),
    whole=st.none() | st.tuples(st.integers(1, 1000), _PRICE),
    counts=st.lists(st.integers(0, 600) | st.just(10**12), min_size=14, max_size=14),
    searches=st.sampled_from(["", '{"web_searches":1}', '{"input_tool_tokens":300}', '{"output_citation_tokens":9}']),
)
def test_marginal_tiers_in_columns_and_in_plain_numbers_agree(
    price_rows: PriceRows,
    usage_frame: UsageFrame,
    prices: dict[str, Any],
    steps: Any,
    whole: Any,
    counts: list[int],
    searches: str,
) -> None:
    unit, other = next(iter(prices)), list(prices)[-1]
    made = price_rows(**{name: str(price) for name, price in prices.items()})
    made += [replace(made[0], unit=unit, tier_start=start, price_usd=price, marginal=True) for start, price in steps]
    if whole is not None and other != unit:
        made.append(replace(made[0], unit=other, tier_start=whole[0], price_usd=whole[1]))
    rows = [replace(row, position=position) for position, row in enumerate(made)]
    card, charges = exact_charges(rate_cards(rows), counts, searches)
    event = {"provider": "maker", "model": "large", "quantities": searches}
    book = PriceBook.from_rows(rows, revision=1)
    priced = book.price(usage_frame([event | dict(zip(TOKEN_BUCKETS, counts, strict=True))])).row(0, named=True)
    assert priced["cost_nano_usd"] == round(sum((charge.nano_usd for charge in charges), Fraction(0)))
    if priced["cost_status"] != "partial":
        assert (priced["cost_status"] == "free") == card.is_free


@settings(max_examples=60, deadline=None)
@given(price=_PRICE, tokens=st.lists(st.integers(0, 10**6), min_size=1, max_size=50))
def test_rounded_costs_drift_by_less_than_half_a_nano_dollar_per_event(
    price_rows: PriceRows, usage_frame: UsageFrame, price: Any, tokens: list[int]
) -> None:
    book = PriceBook.from_rows(price_rows(input_mtok=str(price), output_mtok=str(price / 3)[:20]), revision=1)
    rates = {
        row.unit: Fraction(row.price_usd) for row in price_rows(input_mtok=str(price), output_mtok=str(price / 3)[:20])
    }
    large = {"provider": "maker", "model": "large"}
    priced = book.price(usage_frame([large | {"input_tokens": n, "output_tokens": n // 7} for n in tokens]))
    exact = [(n * rates["input_mtok"] + n // 7 * rates["output_mtok"]) * 1000 for n in tokens]
    for cost, truth in zip(priced["cost_nano_usd"], exact, strict=True):
        assert abs(cost - truth) <= Fraction(1, 2)
    assert abs(sum(priced["cost_nano_usd"].to_list()) - sum(exact)) <= Fraction(len(tokens), 2)
