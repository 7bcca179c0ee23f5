"""LiteLLM's price map: per single unit in, per million and exact out, with tiers and service tiers."""

import json
from decimal import Decimal
from typing import Any

import pytest

from stream_jobs.pricing import PriceBook
from stream_jobs.pricing.imports import read_price_list
from stream_jobs.pricing.imports.litellm_fields import FIELDS
from stream_jobs.pricing.units import UNITS_BY_PRICE_KEY


@pytest.fixture
def by_model(read_file: Any, prices: Any) -> dict[tuple[str, str], dict[str, str]]:
    rows = read_file("litellm.json").rows
    keys = {(row.provider, row.model) for row in rows}
    return {key: prices(row for row in rows if (row.provider, row.model) == key) for key in keys}


def test_service_tiers_say_everything_themselves(by_model: dict[tuple[str, str], dict[str, str]]) -> None:
    assert by_model["openai", "gpt-4o"] == {
        "input_mtok": "2.5",
        "output_mtok": "10",
        "cache_read_mtok": "1.25",
        "input_mtok batch": "1.25",
        "output_mtok batch": "5",
        "cache_read_mtok batch": "1.25",
        "input_mtok priority": "4.25",
        "output_mtok priority": "17",
        "cache_read_mtok priority": "1.25",
    }


def test_cache_writes_of_two_lengths_and_a_long_context(by_model: dict[tuple[str, str], dict[str, str]]) -> None:
    assert by_model["anthropic", "claude-sonnet-4-5"] == {
        "input_mtok": "3",
        "output_mtok": "15",
        "cache_read_mtok": "0.3",
        "cache_write_mtok": "3.75",
        "cache_write_1h_mtok": "6",
        "web_searches_kcount": "10",
        "input_mtok > 200000": "6",
        "output_mtok > 200000": "22.5",
        "cache_write_1h_mtok > 200000": "12",
    }


def test_rarer_units(by_model: dict[tuple[str, str], dict[str, str]]) -> None:
    assert by_model["openai", "whisper-1"] == {"audio_hours": "0.36"}
    assert by_model["cohere", "rerank-v3.5"]["rerank_searches_kcount"] == "2"
    assert by_model["mistral", "mistral-ocr-latest"] == {
        "input_annotated_document_kpages": "3",
        "input_document_kpages": "1",
    }
    assert by_model["dashscope", "qwen-plus"] == {
        "input_mtok": "0.4",
        "output_mtok": "1.2",
        "input_mtok > 256000": "1.2",
        "output_mtok > 256000": "3.6",
    }


@pytest.mark.parametrize("field", [field for field, (unit, _) in FIELDS.items() if unit in UNITS_BY_PRICE_KEY])
def test_every_field_with_a_unit_is_taken_with_its_point_moved(field: str) -> None:
    unit, shift = FIELDS[field]
    price = Decimal(2).scaleb(-shift)
    text = f'{{"m": {{"litellm_provider": "acme", "mode": "chat", "{field}": {price:f}}}}}'
    (row,) = read_price_list(text.encode(), "prices").rows
    assert (row.unit, str(row.price_usd)) == (unit, "2")


@pytest.mark.parametrize(
    ("said", "units"),
    [
        ('"mode": "image_generation", "input_cost_per_image": 0.04', {"output_images": "0.04"}),
        ('"mode": "image_generation", "output_cost_per_image": 0.04', {"output_images": "0.04"}),
        (
            '"mode": "image_generation", "input_cost_per_image": 0.04, "output_cost_per_image": 0.0',
            {"output_images": "0.04"},
        ),
        (
            '"mode": "image_generation", "output_cost_per_image": 0.0, "input_cost_per_image": 0.04',
            {"output_images": "0.04"},
        ),
        (
            '"mode": "image_generation", "input_cost_per_image": 0.01, "output_cost_per_image": 0.04',
            {"input_images": "0.01", "output_images": "0.04"},
        ),
        (
            '"mode": "image_generation", "input_cost_per_image_token": 1e-5, "input_cost_per_image": 0.04',
            {"input_image_mtok": "10", "output_images": "0.04"},
        ),
        ('"mode": "chat", "input_cost_per_image": 0.04', {"input_images": "0.04"}),
        ('"mode": "embedding", "input_cost_per_pixel": 1.9e-08', {"input_gpixels": "19"}),
    ],
)
def test_what_makes_images_is_priced_by_those_it_makes(prices: Any, said: str, units: dict[str, str]) -> None:
    """LiteLLM's own calculator multiplies the price by the number of images asked for, whatever it is called."""
    found = read_price_list(f'{{"dall-e-9": {{"litellm_provider": "openai", {said}}}}}'.encode(), "prices")
    assert prices(found.rows) == units


def test_pixels_that_are_made_have_no_unit(read_file: Any, by_model: dict[tuple[str, str], dict[str, str]]) -> None:
    assert ("openai", "1024-x-1024/dall-e-2") not in by_model
    assert any("'input_cost_per_pixel'" in note and "dall-e-2" in note for note in read_file("litellm.json").notes)


@pytest.mark.parametrize(
    ("field", "unit"),
    [
        ("output_cost_per_video_per_second", "output_video_hours"),
        ("input_cost_per_video_per_second", "input_video_hours"),
    ],
)
def test_seconds_of_video_become_hours(field: str, unit: str) -> None:
    text = f'{{"m": {{"litellm_provider": "acme", "mode": "video_generation", "{field}": 0.1}}}}'
    found = read_price_list(text.encode(), "prices")
    assert [(row.unit, str(row.price_usd), row.per) for row in found.rows] == [(unit, "360", 3600)]
    assert not any("Left out" in note for note in found.notes)


def test_seconds_are_rounded_after_they_became_hours() -> None:
    fields = '"mode": "audio_transcription", "input_cost_per_second": 0.0001000000000000000005'
    (row,) = read_price_list(f'{{"m": {{"litellm_provider": "acme", {fields}}}}}'.encode(), "prices").rows
    assert (row.unit, str(row.price_usd)) == ("audio_hours", "0.360000000000000002")


def test_providers_have_the_names_of_the_catalogue(by_model: dict[tuple[str, str], dict[str, str]]) -> None:
    assert ("aws", "us.amazon.nova-lite-v1:0") in by_model
    assert by_model["google", "gemini-2.5-flash"]["cache_audio_read_mtok"] == "1"
    assert not any(provider == "sample_spec" for provider, _ in by_model)


def test_a_model_with_a_price_we_cannot_hold_is_not_free(by_model: dict[tuple[str, str], dict[str, str]]) -> None:
    """It costs 0.015 a credit and 0 a token; taking only the 0 would make it free."""
    assert not [key for key in by_model if key[0] == "reducto"]


def test_what_is_left_out_is_said(read_file: Any) -> None:
    notes = read_file("litellm.json").notes
    assert any("ocr_cost_per_credit" in note and "reducto/parse" in note for note in notes)
    assert any("web searches whose price depends" in note and "sonar" in note for note in notes)
    assert any("off-peak prices" in note and "deepseek-chat" in note for note in notes)
    assert any("tiers by something else" in note and "exa_ai/search" in note for note in notes)
    assert "Left out: entries that are no models (['fallback_generalizations'])" in notes
    assert any("again at other prices" in note and "openai/gpt-4o" in note for note in notes)


def test_the_list_compiles(read_file: Any) -> None:
    standard = [row for row in read_file("litellm.json").rows if not row.service_tier]
    found = PriceBook.from_rows(standard, revision=1).resolve("", "gemini", "gemini-2.5-flash")
    assert found is not None
    assert (found.provider, found.model) == ("google", "gemini-2.5-flash")
    assert PriceBook.from_rows(standard, revision=1).resolve("", "google", "gemini-2.5-flash") is not None


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ('"currency": "EUR", "input_cost_per_token": 1e-6', "['m'].currency: 'EUR'; convert the prices to USD first"),
        ('"input_cost_per_token": "x"', "['m'].input_cost_per_token: 'x' is no price"),
        ('"input_cost_per_token": 2.5', "['m']: input_mtok of 2500000 USD is above 2000"),
        ('"input_cost_per_token": 1e-30', "['m']: input_mtok is 0.000000000000000000000001 USD; round it to 18"),
        ('"input_cost_per_token": -1e-6', "['m']: input_mtok is -1 USD; a price is 0 or more"),
        ('"input_cost_per_token": Infinity', "['m']: input_mtok is Infinity; write a number of USD"),
        (
            '"tiered_pricing": [{"range": [0, 10], "input_cost_per_token": 1e-6},'
            ' {"range": [20, 30], "input_cost_per_token": 2e-6}]',
            "['m'].tiered_pricing[1].range: a gap: no price holds from 10 to 20 tokens; let it start at 10",
        ),
        (
            '"tiered_pricing": [{"range": [0, 10], "input_cost_per_token": 1e-6},'
            ' {"range": [5, 30], "input_cost_per_token": 2e-6}]',
            "['m'].tiered_pricing[1].range: an overlap: two prices hold from 5 to 10 tokens; let it start at 10",
        ),
        (
            '"tiered_pricing": [{"range": [0, 1e30], "input_cost_per_token": 1e-6},'
            ' {"range": [1e30, 2e30], "input_cost_per_token": 2e-6}]',
            "['m']: a tier from 1000000000000000000000000000000 tokens; a tier starts at 0 or more, and at most at",
        ),
        ('"tiered_pricing": [{"range": [NaN, 10], "input_cost_per_token": 1e-6}]', "['m'].tiered_pricing[0].range: it"),
        ('"tiered_pricing": [{"range": [0, NaN], "input_cost_per_token": 1e-6}]', "['m'].tiered_pricing[0].range: it"),
    ],
)
def test_bad_prices_are_refused_with_their_path(refusals: Any, fields: str, problem: str) -> None:
    (found,) = refusals(f'{{"m": {{"litellm_provider": "openai", {fields}}}}}')
    assert found.startswith(problem)


def test_an_entry_without_a_provider(refusals: Any) -> None:
    text = '{"m": {"input_cost_per_token": 1e-6}, "n": {"litellm_provider": "x", "input_cost_per_token": 1e-6}}'
    assert refusals(text) == ("['m']: it has no litellm_provider; every model of LiteLLM's map names its provider",)


def test_a_service_tier_without_the_context_lengths_of_the_standard_one_is_told() -> None:
    said = {
        "litellm_provider": "openai",
        "input_cost_per_token": 2.5e-6,
        "input_cost_per_token_above_272k_tokens": 5e-6,
        "input_cost_per_token_batches": 1.25e-6,
    }
    told = (
        "input_mtok of batch calls, which the list prices by itself, has no price of its own above 272,000 tokens as"
        " the standard one has: it stays the same there (openai/gpt-z)"
    )
    found = read_price_list(json.dumps({"gpt-z": said}).encode(), "prices.json")
    assert found.notes[1:] == (told,)
    assert [row.price_usd for row in found.rows if row.service_tier] == [Decimal("1.25")]
    both = said | {"input_cost_per_token_above_272k_tokens_batches": 2.5e-6}
    assert read_price_list(json.dumps({"gpt-z": both}).encode(), "prices.json").notes[1:] == ()
