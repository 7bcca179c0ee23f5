"""Whole frames priced: figures computed by hand, and every status."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from stream_jobs.pricing import MAX_COST_NANO_USD, PriceBook, exceeds_cost_bound
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.price_row import FREE, NO_RATES
from tokentally.tokens import TOKEN_BUCKETS

from .conftest import PriceRows, UsageFrame

GPT_4O = {"provider": "openai", "model": "gpt-4o", "time": datetime(2025, 6, 1, tzinfo=UTC)}
MILLION = 1_000_000


def _nano(usd: str) -> int:
    return int(Decimal(usd) * 1_000_000_000)


def _priced(book: PriceBook, frame: UsageFrame, *events: Mapping[str, Any]) -> list[tuple[int, str]]:
    return book.price(frame(events)).select("cost_nano_usd", "cost_status").rows()


def _book(rows: PriceRows, **prices: Any) -> PriceBook:
    return PriceBook.from_rows(rows(**prices), revision=3)


LARGE = {"provider": "maker", "model": "large"}


def test_a_call_costs_the_sum_of_its_buckets(catalogue_book: PriceBook, usage_frame: UsageFrame) -> None:
    """gpt-4o: 2.50 input, 1.25 cached, 10 output, per million; reasoning is output."""
    event = GPT_4O | {"input_tokens": 1000, "cache_read_tokens": 500, "output_tokens": 200, "reasoning_tokens": 50}
    priced = catalogue_book.price(usage_frame([event])).row(0, named=True)
    assert priced["cost_nano_usd"] == _nano("0.0025") + _nano("0.000625") + _nano("0.002") + _nano("0.0005")
    assert priced["cost_status"] == "priced"
    assert priced["price_revision"] == 1
    assert priced["priced_as"] == "openai/gpt-4o"


def test_the_frame_keeps_its_rows_and_columns(catalogue_book: PriceBook, usage_frame: UsageFrame) -> None:
    frame = usage_frame([GPT_4O | {"input_tokens": n} for n in (3, 1, 2)])
    priced = catalogue_book.price(frame)
    assert priced.select(frame.columns).equals(frame)
    assert dict(list(priced.schema.items())[-4:]) == {
        "cost_nano_usd": pl.Int64,
        "cost_status": pl.String,
        "price_revision": pl.UInt32,
        "priced_as": pl.String,
    }
    assert catalogue_book.price(frame.clear()).is_empty()


def test_cache_writes_have_their_own_prices_by_lifetime(catalogue_book: PriceBook, usage_frame: UsageFrame) -> None:
    """Claude Sonnet 4.5: 3 input, 3.75 and 6 written for five minutes and an hour, 0.30 read, 15 output."""
    event = {
        "provider": "anthropic",
        "model": "claude-sonnet-4-5-20250929",
        "input_tokens": 1000,
        "cache_write_5m_tokens": 1000,
        "cache_write_1h_tokens": 1000,
        "cache_read_tokens": 1000,
        "output_tokens": 1000,
    }
    expected = sum(_nano(usd) for usd in ("0.003", "0.00375", "0.006", "0.0003", "0.015"))
    assert _priced(catalogue_book, usage_frame, event) == [(expected, "priced")]


@pytest.mark.parametrize(
    ("tokens", "cost_usd"),
    [(199_999, "0.24999875"), (200_000, "0.25"), (200_001, "0.5000025")],
)
def test_a_tier_applies_to_the_whole_call_above_its_start(
    catalogue_book: PriceBook, usage_frame: UsageFrame, tokens: int, cost_usd: str
) -> None:
    """gemini-2.5-pro: 1.25 per million input, 2.50 for calls above 200,000."""
    event = {"provider": "google", "model": "gemini-2.5-pro", "input_tokens": tokens}
    assert _priced(catalogue_book, usage_frame, event) == [(_nano(cost_usd), "priced")]


def test_cached_and_spoken_input_counts_for_the_tier(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    book = _book(price_rows, input_mtok="1", output_mtok="1", tiers={100: {"output_mtok": "10"}})
    parts = {"cache_read_tokens": 50, "input_audio_tokens": 50}
    below, above = (LARGE | parts | {"output_tokens": MILLION, "input_tokens": n} for n in (0, 1))
    assert _priced(book, usage_frame, below, above) == [
        (_nano("1") + 100_000, "priced"),
        (_nano("10") + 101_000, "priced"),
    ]


def test_the_price_is_that_of_the_events_own_time(catalogue_book: PriceBook, usage_frame: UsageFrame) -> None:
    """deepseek-v4-flash: 0.14, from 17 August 2026 0.22, from 10 September 0.15; daily 01-04 and 06-10 h 0.30."""
    change = datetime(2026, 8, 17, tzinfo=UTC)
    millisecond = timedelta(milliseconds=1)
    times = [
        change.replace(hour=12) - timedelta(days=1),
        change - millisecond,
        change,
        datetime(2026, 9, 10, tzinfo=UTC),
        datetime(2026, 9, 10, 1, tzinfo=UTC) - millisecond,
        datetime(2026, 9, 10, 1, tzinfo=UTC),
        datetime(2026, 9, 10, 4, tzinfo=UTC) - millisecond,
        datetime(2026, 9, 10, 4, tzinfo=UTC),
        datetime(2026, 9, 10, 6, tzinfo=UTC),
        datetime(2026, 9, 10, 10, tzinfo=UTC),
    ]
    flash = {"provider": "deepseek", "model": "deepseek-v4-flash", "input_tokens": MILLION}
    costs = [cost for cost, _ in _priced(catalogue_book, usage_frame, *(flash | {"time": time} for time in times))]
    expected = ["0.14", "0.14", "0.22", "0.15", "0.15", "0.30", "0.30", "0.15", "0.30", "0.15"]
    assert costs == [_nano(usd) for usd in expected]


def test_a_price_of_eighteen_places_is_exact(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    """One token costs 0.041666666666666664 micro-USD: 41.666666666666664 nano-USD."""
    book = _book(price_rows, input_mtok="0.041666666666666664")
    counts = (1, 3, 10**12)
    costs = [cost for cost, _ in _priced(book, usage_frame, *(LARGE | {"input_tokens": n} for n in counts))]
    assert costs == [42, 125, 41_666_666_666_667]


def test_the_sum_is_rounded_once_half_to_even(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    """Half a nano-USD per token, in two buckets: 0.5 + 0.5 is 1, not 0 + 0."""
    book = _book(price_rows, input_mtok="0.0005", output_mtok="0.0005")
    events = [LARGE | {"input_tokens": i, "output_tokens": o} for i, o in ((1, 0), (1, 1), (2, 1), (3, 2), (4, 3))]
    assert [cost for cost, _ in _priced(book, usage_frame, *events)] == [0, 1, 2, 2, 4]


def test_an_unknown_model_is_unpriced_unless_its_cost_was_reported(
    catalogue_book: PriceBook, usage_frame: UsageFrame
) -> None:
    unknown = {"provider": "openai", "model": "gpt-99", "input_tokens": 5}
    reported = unknown | {"reported_cost_nano_usd": 77}
    known = GPT_4O | {"input_tokens": 1000, "reported_cost_nano_usd": 77}
    assert _priced(catalogue_book, usage_frame, unknown, reported, known) == [
        (0, "unpriced"),
        (77, "reported"),
        (2_500_000, "priced"),
    ]


def test_a_bucket_that_nothing_prices_makes_the_cost_partial(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    book = _book(price_rows, input_mtok="1")
    events = [LARGE | {"input_tokens": 1000}, LARGE | {"input_tokens": 1000, "output_tokens": 1}]
    assert _priced(book, usage_frame, *events) == [(1_000_000, "priced"), (1_000_000, "partial")]


def test_free_is_what_costs_nothing_by_its_price_list(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    event = LARGE | {"input_tokens": 9, "output_tokens": 9, "quantities": '{"web_searches":1}'}
    assert _priced(_book(price_rows, **{FREE: "0"}), usage_frame, event) == [(0, "free")]
    zero = _book(price_rows, input_mtok="0", output_mtok="0")
    assert _priced(zero, usage_frame, LARGE | {"input_tokens": 9, "output_tokens": 9}) == [(0, "free")]
    assert _priced(zero, usage_frame, event) == [(0, "partial")]
    assert _priced(PriceBook.from_rows(price_rows(**{NO_RATES: "0"}), revision=1), usage_frame, event) == [
        (0, "unpriced")
    ]


def test_an_event_without_usage_costs_its_price_per_request(catalogue_book: PriceBook, usage_frame: UsageFrame) -> None:
    """Perplexity's sonar: 12 USD per thousand requests, beside its tokens."""
    sonar = {"provider": "perplexity", "model": "sonar"}
    assert _priced(catalogue_book, usage_frame, sonar, GPT_4O, {}, {"input_tokens": 1}) == [
        (12_000_000, "priced"),
        (0, "priced"),
        (0, "priced"),
        (0, "unpriced"),
    ]


def test_rare_units_are_priced_with_the_tokens_of_their_event(
    catalogue_book: PriceBook, usage_frame: UsageFrame
) -> None:
    """whisper-1: 0.36 USD an hour. gpt-4o: 2.50 input, web searches 10 USD per thousand."""
    whisper = {"provider": "openai", "model": "whisper-1", "quantities": json.dumps({"audio_seconds": 7})}
    search = GPT_4O | {"input_tokens": 1000, "quantities": json.dumps({"web_searches": 2})}
    odd = GPT_4O | {"input_tokens": 1000, "quantities": json.dumps({"unicorns": 2})}
    broken = GPT_4O | {"input_tokens": 1000, "quantities": "{"}
    assert _priced(catalogue_book, usage_frame, whisper, search, odd, broken) == [
        (700_000, "priced"),
        (2_500_000 + 20_000_000, "priced"),
        (2_500_000, "partial"),
        (2_500_000, "partial"),
    ]


def test_input_tokens_among_the_quantities_count_for_the_tier(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    book = _book(price_rows, input_mtok="1", tiers={100: {"input_mtok": "2"}})
    event = LARGE | {"input_tokens": 100, "quantities": '{"input_tool_tokens":1}'}
    assert _priced(book, usage_frame, event) == [(202_000, "priced")]


def test_an_organizations_own_price_replaces_the_one_for_all(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    rows = [
        *price_rows(input_mtok="1", output_mtok="2"),
        *price_rows(input_mtok="5", position=10, when={"organization": "acme"}),
        *price_rows(model="private", input_mtok="7", position=20, when={"organization": "acme"}),
    ]
    book = PriceBook.from_rows(rows, revision=1)
    events = [
        {"organization": organization, "provider": "maker", "model": model, "input_tokens": 1000}
        for organization in ("acme", "zeta")
        for model in ("large", "private", "unknown")
    ]
    assert _priced(book, usage_frame, *events) == [
        (5_000_000, "priced"),
        (7_000_000, "priced"),
        (0, "unpriced"),
        (1_000_000, "priced"),
        (0, "unpriced"),
        (0, "unpriced"),
    ]


def test_an_own_price_holds_for_every_name_of_its_model(usage_frame: UsageFrame) -> None:
    """The own price names the catalogue's entry; aliases, prefixes and sellers lead there by the catalogue's rules."""
    shared = catalogue_rows()
    own = replace(shared[0], provider="openai", model="gpt-4o", match="", unit="input_mtok", per=MILLION)
    own = replace(own, organization="acme", price_usd=Decimal(1), position=len(shared))
    book = PriceBook.from_rows([*shared, own], revision=2)
    names = [("openai", "gpt-4o"), ("", "GPT-4o-2024-08-06"), ("", "azure/gpt-4o"), ("openai", "gpt-4o-mini")]
    events = [{"provider": provider, "model": model, "input_tokens": 1000} for provider, model in names]
    assert [cost for cost, _ in _priced(book, usage_frame, *events)] == [1_000_000] * 3 + [150_000]


def test_before_the_first_price_an_event_is_unpriced(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    book = _book(price_rows, input_mtok="1", when={"effective_from": start})
    times = (start - timedelta(milliseconds=1), start)
    events = [LARGE | {"input_tokens": 1000, "time": time} for time in times]
    assert _priced(book, usage_frame, *events) == [(0, "unpriced"), (1_000_000, "priced")]


def test_absurd_usage_is_right_or_found_to_exceed_the_bound(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    at_bound = LARGE | {"input_tokens": 10**12}
    all_buckets = LARGE | dict.fromkeys(TOKEN_BUCKETS, 10**12)
    searches = LARGE | {"quantities": json.dumps({"web_searches": 10**14})}
    book = _book(price_rows, input_mtok="1", output_mtok="9999999.999999999999999999", web_searches_kcount="600")
    priced = book.price(usage_frame([at_bound, all_buckets, searches]))
    assert priced["cost_nano_usd"].to_list() == [MAX_COST_NANO_USD, 2**63 - 1, 2**63 - 1]
    assert exceeds_cost_bound(priced).to_list() == [False, True, True]


def test_the_highest_price_and_usage_allowed_do_not_wrap_around(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    highest = "9999999.999999999999999999"
    book = _book(price_rows, input_mtok=highest, output_mtok=highest, requests_kcount=highest)
    event = LARGE | dict.fromkeys(TOKEN_BUCKETS, 10**12)
    assert _priced(book, usage_frame, event) == [(2**63 - 1, "priced")]


def test_an_empty_book_knows_no_model(usage_frame: UsageFrame) -> None:
    assert _priced(PriceBook.from_rows([], revision=1), usage_frame, GPT_4O, {}) == [(0, "unpriced"), (0, "priced")]


def test_more_names_than_are_remembered_are_priced_all_the_same(
    catalogue_book: PriceBook, usage_frame: UsageFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_jobs.pricing.remembered.MAX_REMEMBERED", 3)
    models = ["gpt-4o", *(f"nobody-{n}" for n in range(10)), "gpt-4o"]
    events = [GPT_4O | {"model": model, "input_tokens": 1000} for model in models]
    costs = [cost for cost, _ in _priced(catalogue_book, usage_frame, *events)]
    assert costs == [2_500_000, *[0] * 10, 2_500_000]


def test_rare_tokens_count_with_their_bucket_for_a_marginal_tier(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    """150 tokens of text and 50 of citations: the first 100 cost 16 USD per million, the other 100 half of it."""
    rows = price_rows(output_mtok="16", tiers={100: {"output_mtok": "8"}})
    book = PriceBook.from_rows([replace(row, marginal=row.tier_start > 0) for row in rows], revision=1)
    text, cited = {"output_tokens": 150}, {"output_tokens": 150, "quantities": '{"output_citation_tokens":50}'}
    assert _priced(book, usage_frame, LARGE | text, LARGE | cited) == [(2_000_000, "priced"), (2_400_000, "priced")]
