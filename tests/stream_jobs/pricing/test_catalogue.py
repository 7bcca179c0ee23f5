"""The catalogue as rows: complete, ordered, and free only where it says so."""

from datetime import UTC, datetime
from decimal import Decimal

from genai_prices.data import providers
from genai_prices.types import ConditionalPrice, ModelPrice, TieredPrices

from stream_jobs.pricing.catalogue import SOURCE, catalogue_rows
from stream_jobs.pricing.price_row import ALWAYS, FREE, NO_RATES

ROWS = catalogue_rows()


def test_every_provider_and_model_is_there_in_order() -> None:
    expected = [(p.id, m.id) for p in providers for m in p.models]
    assert list(dict.fromkeys((row.provider, row.model) for row in ROWS if row.model)) == expected
    assert [row.provider for row in ROWS if not row.model] == [p.id for p in providers]
    assert [row.position for row in ROWS] == list(range(len(ROWS)))
    assert {row.source for row in ROWS} == {SOURCE}


def test_every_standard_price_is_there_exactly() -> None:
    expected: list[Decimal] = []
    for provider in providers:
        for model in provider.models:
            dated = [ConditionalPrice(prices=model.prices)] if isinstance(model.prices, ModelPrice) else model.prices
            for price in dated:
                for value in vars(price.prices).values():
                    tiered = isinstance(value, TieredPrices)
                    expected.extend([value.base, *(tier.price for tier in value.tiers)] if tiered else [value])
    standard = [row for row in ROWS if not row.service_tier and row.unit not in (FREE, NO_RATES)]
    assert [row.price_usd for row in standard] == expected


def test_every_price_of_a_service_tier_is_there() -> None:
    """But for those by region and kind of search, which no event tells."""
    untold = {"route", "search_type"}
    expected = {
        (m.id, value.base if isinstance(value, TieredPrices) else value)
        for p in providers
        for m in p.models
        for variant in m.price_variants or ()
        if not untold.intersection(variant.when)
        for value in vars(variant.prices).values()
    }
    told = [row for row in ROWS if row.service_tier]
    assert {(row.model, row.price_usd) for row in told if not row.tier_start} == expected
    assert {row.service_tier for row in told} == {"batch", "flex", "priority", "fast"}


def test_a_later_price_of_a_service_tier_starts_at_its_date() -> None:
    """Gemini 3.8 Flash Lite TTS by batch: 0.25 from 15 October 2026, 0.50 from 2027; the catalogue names 2027 first."""
    found = [
        (row.effective_from.date().isoformat(), str(row.price_usd))
        for row in ROWS
        if (row.model, row.service_tier, row.unit) == ("gemini-3.8-flash-lite-tts", "batch", "input_mtok")
    ]
    assert found == [("2026-10-15", "0.25"), ("2027-01-01", "0.5")]


def test_dates_windows_and_tiers_are_kept() -> None:
    flash = [
        row for row in ROWS if (row.provider, row.model, row.unit) == ("deepseek", "deepseek-v4-flash", "input_mtok")
    ]
    assert [(row.effective_from, row.daily_from, row.daily_to) for row in flash] == [
        (ALWAYS, "", ""),
        (datetime(2026, 8, 17, tzinfo=UTC), "", ""),
        (datetime(2026, 9, 10, tzinfo=UTC), "", ""),
        (ALWAYS, "01:00:00", "04:00:00"),
        (ALWAYS, "06:00:00", "10:00:00"),
    ]
    pro = [row for row in ROWS if (row.provider, row.model, row.unit) == ("google", "gemini-2.5-pro", "input_mtok")]
    assert [(row.service_tier, row.tier_start) for row in pro] == [
        ("", 0),
        ("", 200_000),
        ("batch", 0),
        ("batch", 200_000),
    ]


def test_models_without_rates_are_free_only_where_the_catalogue_says_so() -> None:
    unit = {(row.provider, row.model): row.unit for row in ROWS}
    assert unit["google", "gemma-3"] == FREE
    assert unit["openai", "moderation"] == FREE
    assert unit["openrouter", "deepseek/deepseek-r1:free"] == FREE
    assert unit["cerebras", "qwen-3-coder-480b"] == NO_RATES
    assert unit["openrouter", "google/lyria-3-pro-preview"] == NO_RATES
