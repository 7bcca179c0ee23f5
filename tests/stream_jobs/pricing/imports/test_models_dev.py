"""models.dev's `cost`: every price with its unit and tier, exact, and a word for what has no place."""

from typing import Any

import pytest

from stream_jobs.pricing import PriceBook
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.imports import read_price_list
from stream_jobs.pricing.imports.known_list import with_import


def test_prices_and_tiers(read_file: Any, prices: Any) -> None:
    found = read_file("models_dev.json")
    assert prices(row for row in found.rows if row.model == "gemini-2.5-pro") == {
        "input_mtok": "1.25",
        "output_mtok": "10",
        "cache_read_mtok": "0.125",
        "input_mtok > 200000": "2.5",
        "output_mtok > 200000": "15",
        "cache_read_mtok > 200000": "0.25",
    }
    assert prices(row for row in found.rows if row.model == "grok-4") == {
        "input_mtok": "3",
        "output_mtok": "15",
        "input_mtok > 200000": "6",
        "output_mtok > 200000": "30",
    }
    assert {row.provider for row in found.rows} == {"google", "x-ai", "github-copilot", "tiny"}
    assert [row.position for row in found.rows] == list(range(len(found.rows)))


def test_cached_audio_is_as_dear_as_audio_where_the_list_is_silent(read_file: Any, prices: Any) -> None:
    found = read_file("models_dev.json")
    flash = prices(row for row in found.rows if row.model == "gemini-2.5-flash")
    assert flash["cache_audio_read_mtok"] == flash["input_audio_mtok"] == "1"
    assert any(note.startswith("cache_audio_read_mtok, which the list does not price") for note in found.notes)
    PriceBook.from_rows(found.rows, revision=1)


def test_no_digit_is_lost(read_file: Any, prices: Any) -> None:
    rows = (row for row in read_file("models_dev.json").rows if row.provider == "tiny")
    assert prices(rows) == {"input_mtok": "0.123456789012345678", "output_mtok": "0.0125"}


def test_a_price_per_request(read_file: Any, prices: Any) -> None:
    rows = (row for row in read_file("models_dev.json").rows if row.model == "grok-flat")
    assert prices(rows) == {"requests_kcount": "40"}


def test_digits_beyond_18_places_are_rounded_and_said_but_never_to_nothing(refusals: Any) -> None:
    text = '{"acme": {"models": {"a": {"cost": {"input": 0.0024499999999999995, "output": %s}}}}}'
    found = read_price_list((text % "1").encode(), "api.json")
    assert [str(row.price_usd) for row in found.rows] == ["0.00245", "1"]
    assert "Left out: digits of prices after the 18th place (acme.models['a'].cost.input)" in found.notes
    (problem,) = refusals(text % "1e-19")
    assert problem.startswith(
        "acme.models['a']: output_mtok is 0.0000000000000000001 USD; round it to 18 decimal places"
    )


def test_what_is_left_out_is_said(read_file: Any) -> None:
    notes = read_file("models_dev.json").notes
    assert "Left out: models without a cost (xai.models['grok-imagine'])" in notes
    assert any("costs of the type 'per_step'" in note and "grok-steps" in note for note in notes)
    assert any("prices named 'training'" in note for note in notes)


def test_all_problems_at_once(refusals: Any) -> None:
    text = """{"acme": {"models": {
        "a": {"cost": {"input": -2, "output": "x"}},
        "b": {"cost": {"input": 0.0000025}},
        "c": {"cost": {"input": 1, "tiers": [{"input": 2, "tier": {"type": "context", "size": -5}}]}},
        "d": {"cost": {"input": 1, "currency": "EUR"}}}}}"""
    assert [problem.partition(";")[0] for problem in refusals(text)] == [
        "acme.models['a'].cost.output: 'x' is no price",
        "acme.models['c'].cost.tiers[0].tier.size: Decimal('-5') is no number of tokens above 0",
        "acme.models['d'].cost.currency: 'EUR'",
        "acme.models['a']: input_mtok is -2 USD",
        "acme.models['b']: input_mtok of 0.0000025 USD is below 0.0005 for 1,000,000 units, less than anything costs",
    ]


def test_a_tier_beyond_all_contexts(refusals: Any) -> None:
    text = '{"acme": {"models": {"a": {"cost": {"input": 1, "tiers": [{"input": 2, "tier": {"size": 1e30}}]}}}}}'
    (found,) = refusals(text)
    assert found.startswith("acme.models['a']: a tier from 1000000000000000000000000000000 tokens; a tier starts at 0")


def test_a_tier_without_a_base_is_a_gap() -> None:
    text = '{"acme": {"models": {"a": {"cost": {"output": 1, "tiers": [{"input": 2, "tier": {"size": 1000}}]}}}}}'
    listed = read_price_list(text.encode(), "api.json")
    with pytest.raises(PriceListRefused) as refused:
        with_import([], listed)
    assert refused.value.problems == (
        "acme.models['a']: input_mtok has a price only above 1,000 tokens; add one without a tier",
    )
