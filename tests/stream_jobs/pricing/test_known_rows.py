"""A stored price under another spelling of a provider counts for the provider that is meant, and hides nothing."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest

from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.known_rows import under_known_names

from .conftest import PriceRows, UsageFrame

CATALOGUE = catalogue_rows()
SPELLED = [
    ("OpenAI", "openai"),
    ("OPENAI", "openai"),
    ("xai", "x-ai"),
    ("grok", "x-ai"),
    ("bedrock", "aws"),
    ("gemini", "google"),
    ("vertex_ai", "google"),
    ("vertex_ai-anthropic_models", "google"),
]
MEANT = [("google_free", "google"), ("azure_openai", "openai"), ("moonshotai-cn", "moonshotai")]
"""Names that only a rule takes for another's."""


def behind(rows: Sequence[PriceRow]) -> list[PriceRow]:
    """The catalogue, and these rows after it."""
    return [*CATALOGUE, *(replace(row, position=len(CATALOGUE) + number) for number, row in enumerate(rows))]


def priced(book: PriceBook, usage_frame: UsageFrame, provider: str, models: Sequence[str]) -> pl.DataFrame:
    events = [{"provider": provider, "model": model, "input_tokens": 10**6, "output_tokens": 10**6} for model in models]
    return book.price(usage_frame(events)).select("cost_nano_usd", "cost_status")


@pytest.mark.parametrize(("spelled", "provider"), [*SPELLED, *MEANT])
def test_no_model_of_the_provider_loses_its_price(
    catalogue_book: PriceBook, usage_frame: UsageFrame, price_rows: PriceRows, spelled: str, provider: str
) -> None:
    book = PriceBook.from_rows(behind(price_rows(provider=spelled, model="new", input_mtok="2")), revision=2)
    models = list(dict.fromkeys(row.model for row in CATALOGUE if row.provider == provider and row.model))
    for name in (provider, spelled):
        before = priced(catalogue_book, usage_frame, provider, models)
        assert priced(book, usage_frame, name, models).equals(before)
        found = book.resolve("acme", name, "new")
        if (spelled, provider) in SPELLED:
            assert found is not None
            assert (found.provider, found.model) == (provider, "new")


@pytest.mark.parametrize(("named", "provider"), [("my-openai-gateway", "openai"), *MEANT])
def test_a_name_that_a_rule_takes_for_anothers_has_prices_of_its_own(
    catalogue_book: PriceBook, usage_frame: UsageFrame, price_rows: PriceRows, named: str, provider: str
) -> None:
    model = next(row.model for row in CATALOGUE if row.provider == provider and row.unit == "input_mtok")
    rows = behind(price_rows(provider=named, model=model, input_mtok="7", output_mtok="0"))
    book = PriceBook.from_rows(rows, revision=2)
    assert priced(book, usage_frame, named, [model])["cost_nano_usd"].to_list() == [7 * 10**9]
    assert priced(book, usage_frame, provider, [model]).equals(priced(catalogue_book, usage_frame, provider, [model]))
    routed = f"{provider}/{model}"
    assert priced(book, usage_frame, named, [routed]).equals(priced(catalogue_book, usage_frame, named, [routed]))
    assert under_known_names(rows) == rows


def test_of_two_prices_for_the_same_the_one_that_was_set_holds(usage_frame: UsageFrame, price_rows: PriceRows) -> None:
    book = PriceBook.from_rows(behind(price_rows(provider="OpenAI", model="gpt-4o", input_mtok="2")), revision=2)
    found = priced(book, usage_frame, "openai", ["gpt-4o", "gpt-4o-mini", "gpt-4o-2024-08-06"])
    assert found["cost_nano_usd"].to_list()[:2] == [12 * 10**9, 750_000_000]
    assert set(found["cost_status"]) == {"priced"}
    assert priced(book, usage_frame, "azure", ["gpt-4o-mini"])["cost_status"].to_list() == ["priced"]


def test_a_default_under_another_spelling_is_for_what_nothing_else_names(
    usage_frame: UsageFrame, price_rows: PriceRows
) -> None:
    default = price_rows(provider="OPENAI", model="*", match='{"model": {"contains": ""}}', input_mtok="7")
    book = PriceBook.from_rows(behind(default), revision=2)
    found = priced(book, usage_frame, "openai", ["gpt-4o-mini", "nobody-knows-it"])
    assert found["cost_nano_usd"].to_list() == [750_000_000, 7 * 10**9]


@pytest.mark.parametrize("spelled", ["OpenAI", "OPENAI"])
def test_an_organisations_own_default_under_another_spelling_holds(
    usage_frame: UsageFrame, price_rows: PriceRows, spelled: str
) -> None:
    own = price_rows(provider=spelled, model="*", input_mtok="7", when={"organization": "acme"})
    book = PriceBook.from_rows(behind([replace(row, match='{"model": {"contains": ""}}') for row in own]), revision=2)
    assert priced(book, usage_frame, "openai", ["nobody-knows-it"])["cost_nano_usd"].to_list() == [7 * 10**9]


def test_rows_of_known_names_stay_as_they_are() -> None:
    assert under_known_names(CATALOGUE) is CATALOGUE


def test_a_provider_with_rules_of_its_own_is_one_of_its_own(price_rows: PriceRows) -> None:
    rules = replace(price_rows(provider="my-openai", model="x", free="0")[0], model="", unit="", price_usd=Decimal(0))
    rows = behind([rules, *price_rows(provider="my-openai", model="gpt-4o", input_mtok="1")])
    assert under_known_names(rows) is rows


def test_letter_case_makes_no_second_provider(price_rows: PriceRows) -> None:
    rows = [
        *price_rows(provider="Mine", model="a", input_mtok="1"),
        *price_rows(provider="mine", model="b", input_mtok="2"),
    ]
    assert [(row.provider, row.model) for row in under_known_names(rows)] == [("Mine", "b"), ("Mine", "a")]
