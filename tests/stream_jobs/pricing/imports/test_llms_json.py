"""llms.py's llms.json: both unit conventions give the same prices, and say which they are."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from stream_jobs.pricing import PriceBook
from stream_jobs.pricing.imports import PriceList, read_price_list

JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def _of(found: PriceList, provider: str, model: str) -> dict[str, str]:
    return {
        row.unit: format(row.price_usd, "f") for row in found.rows if (row.provider, row.model) == (provider, model)
    }


def test_texts_per_token_become_prices_per_million(read_file: Any) -> None:
    found = read_file("llms_per_token.json")
    assert _of(found, "openai", "gpt-4o") == {"input_mtok": "2.5", "output_mtok": "10"}
    assert _of(found, "openai", "gpt-5-nano") == {"input_mtok": "0.05", "output_mtok": "0.4"}
    assert "4 models in USD per token, first providers.openai.pricing['gpt-4o']" in found.notes
    assert found.source == "llms.json llms_per_token.json"


def test_numbers_per_million_stay(read_file: Any) -> None:
    found = read_file("llms_per_million.json")
    assert _of(found, "openai", "gpt-4o") == {"input_mtok": "2.5", "output_mtok": "10"}
    assert _of(found, "openai", "local-llama") == {"input_mtok": "0", "output_mtok": "0"}
    assert "1 model in USD per million, first providers.openai.pricing['gpt-4o']" in found.notes


def test_a_default_of_0_makes_nothing_free_and_another_prices_what_no_entry_matches(read_file: Any) -> None:
    found = read_file("llms_per_token.json")
    assert _of(found, "openai", "*") == {}
    assert any("default prices of 0" in note for note in found.notes)
    assert _of(found, "x-ai", "*") == {"input_mtok": "1", "output_mtok": "2"}
    book = PriceBook.from_rows(found.rows, revision=1)
    by_name = {model: book.resolve("", "x-ai", model) for model in ("grok-4", "grok-5-turbo")}
    assert {model: entry and entry.model for model, entry in by_name.items()} == {
        "grok-4": "grok-4",
        "grok-5-turbo": "*",
    }
    assert book.resolve("", "openai", "gpt-99") is None


def test_the_documented_formula_is_the_cost(
    read_file: Any, usage_frame: Callable[[list[dict[str, Any]]], pl.DataFrame]
) -> None:
    """cost = input_tokens / 1,000,000 * 2.50 + output_tokens / 1,000,000 * 10.00."""
    frame = usage_frame([{"provider": "openai", "model": "gpt-4o", "input_tokens": 1234, "output_tokens": 567}])
    for name in ("llms_per_token.json", "llms_per_million.json"):
        priced = PriceBook.from_rows(read_file(name).rows, revision=1).price(frame)
        assert priced["cost_nano_usd"].to_list() == [1234 * 2_500 + 567 * 10_000]


def test_a_file_of_a_version_without_prices(refusals: Any) -> None:
    assert refusals('{"version": 3, "providers": {"groq": {"enabled": true}}}') == (
        "providers: none has a `pricing`; from version 3 on llms.py has its prices in providers.json",
    )


def test_one_model_in_two_conventions_is_refused(refusals: Any) -> None:
    text = '{"providers": {"openai": {"pricing": {"gpt-4o": {"input": "0.0000025", "output": 10}}}}}'
    assert refusals(text) == (
        "providers.openai.pricing['gpt-4o']: one price looks like USD per token and one like USD per million; write"
        " both alike",
    )


MIXED = (
    '{"providers": {"openai": {"pricing": {"gpt-4o": {"input": 2.5, "output": 10}, "tiny": {"input": 0.0005,'
    ' "output": 0.0005}, "o3": {"input": 2, "output": 8}}}}}'
)


def test_models_of_one_provider_in_two_conventions_are_refused(refusals: Any) -> None:
    """0.0005 among prices per million is 0.0005 per million, not 500."""
    assert refusals(MIXED) == (
        "providers.openai.pricing['tiny']: it looks like USD per token, and providers.openai.pricing['gpt-4o'] like"
        " USD per million; write both alike, or say which it is by the format llms-per-token or llms-per-million",
    )


def test_what_looks_like_two_conventions_is_taken_in_the_one_that_is_told() -> None:
    found = read_price_list(MIXED.encode(), "llms.json", "llms-per-million")
    assert _of(found, "openai", "tiny") == {"input_mtok": "0.0005", "output_mtok": "0.0005"}


def test_a_convention_that_is_told_holds_and_is_still_checked(refusals: Any, read_file: Any) -> None:
    assert _of(read_file("llms_per_token.json", "llms-per-token"), "x-ai", "grok-4")["input_mtok"] == "3"
    text = '{"providers": {"openai": {"pricing": {"gpt-4o": {"input": 2.5, "output": 10}}}}}'
    problems = refusals(text, "llms-per-token")
    assert len(problems) == 2
    assert problems[0].startswith(
        "providers.openai.pricing['gpt-4o']: input_mtok of 2500000 USD is above 2000 for 1,000,000 units"
    )


@pytest.mark.parametrize(
    ("prices", "problem"),
    [
        ('{"input": -1}', "input_mtok is -1 USD; a price is 0 or more"),
        ('{"input": NaN}', "input_mtok is NaN; write a number of USD"),
        ('{"input": true}', "True is no price"),
        ('{"input": 1, "currency": "EUR"}', "'EUR'; convert the prices to USD first"),
        ("7", "it is no object"),
    ],
)
def test_bad_prices_are_refused_with_their_path(refusals: Any, prices: str, problem: str) -> None:
    (found,) = refusals(f'{{"providers": {{"openai": {{"pricing": {{"gpt-4o": {prices}}}}}}}}}')
    assert found.startswith("providers.openai.pricing['gpt-4o']")
    assert problem in found
