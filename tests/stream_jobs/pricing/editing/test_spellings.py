"""Another spelling of a known provider or model means the known one, wherever prices are set, ended or listed."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from stream_jobs.credits.editing import with_multiplier_end
from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.editing.price import NewPrice, with_end, with_price
from stream_jobs.pricing.editing.price_list import listed_models
from stream_jobs.pricing.editing.rate import Rate
from stream_jobs.pricing.editing.spellings import Spellings
from stream_jobs.pricing.price_row import PriceRow

CATALOGUE = catalogue_rows()
MAY = datetime(2026, 5, 1, tzinfo=UTC)
LATE = datetime(2030, 1, 1, tzinfo=UTC)
SPELLED = [
    ("OpenAI", "gpt-4o", "openai", "gpt-4o"),
    ("openai", "GPT-4o", "openai", "gpt-4o"),
    (" OPENAI ", "GPT-4O", "openai", "gpt-4o"),
    ("openai", "gpt-4o-2024-05-13", "openai", "gpt-4o-2024-05-13"),
    ("xai", "grok-3", "x-ai", "grok-3"),
    ("bedrock", "new", "aws", "new"),
    ("azure_ai", "new", "azure", "new"),
    ("fireworks_ai", "new", "fireworks", "new"),
    ("my-openai-gateway", "gpt-4o", "my-openai-gateway", "gpt-4o"),
    ("My-Host", "Big", "My-Host", "Big"),
    ("OpenAI", "*", "openai", "*"),
]


def new_price(provider: str, model: str, organization: str = "") -> NewPrice:
    return NewPrice(provider, model, (Rate("input_mtok", Decimal(2)),), MAY, "hand", organization)


def names(rows: list[PriceRow]) -> set[tuple[str, str]]:
    return {(row.provider, row.model) for row in rows if row.effective_from == MAY and row.source == "hand"}


@pytest.mark.parametrize(("provider", "model", "known", "known_model"), SPELLED)
def test_a_price_is_stored_under_the_known_name(provider: str, model: str, known: str, known_model: str) -> None:
    assert names(with_price(CATALOGUE, new_price(provider, model))) == {(known, known_model)}
    assert names(with_price([], new_price(provider, model, "acme"), CATALOGUE)) == {(known, known_model)}


def test_a_price_is_ended_under_any_spelling() -> None:
    ended = with_end(CATALOGUE, "", "OpenAI", "GPT-4o-Mini", LATE, "hand")
    assert ended == with_end(CATALOGUE, "", "openai", "gpt-4o-mini", LATE, "hand")
    own = with_price([], new_price("xai", "grok-3", "acme"), CATALOGUE)
    june = datetime(2026, 6, 1, tzinfo=UTC)
    ended = with_end(own, "acme", "xai", "grok-3", june, "hand", CATALOGUE)
    assert ended == with_end(own, "acme", "x-ai", "grok-3", june, "hand")


@pytest.mark.parametrize(("spelled", "provider"), [("OpenAI", "openai"), ("xai", "x-ai"), ("gemini", "google")])
def test_a_list_of_one_provider_is_asked_for_in_any_spelling(spelled: str, provider: str) -> None:
    found = listed_models(CATALOGUE, MAY, spelled)
    assert found
    assert found == listed_models(CATALOGUE, MAY, provider)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        (("xai", "GROK-3"), ("x-ai", "grok-3")),
        (("OpenAI", "gpt-4o"), ("openai", "gpt-4o")),
        (("xai", "nobody-knows-it"), ("xai", "nobody-knows-it")),
        (("azure", "gpt-4o-mini"), ("azure", "gpt-4o-mini")),
        (("", "gpt-4o"), ("", "gpt-4o")),
        (("", ""), ("", "")),
    ],
)
def test_a_multiplier_is_for_the_entry_that_prices_a_name(name: tuple[str, str], entry: tuple[str, str]) -> None:
    """What no entry of that name prices stays a model as events write it."""
    assert Spellings(CATALOGUE).priced_as(*name) == entry


def test_a_multiplier_ends_under_its_own_name_or_that_of_its_entry() -> None:
    known, typed = (MultiplierRow(provider, "grok-3", 2000, "hand") for provider in ("x-ai", "xai"))
    end = MultiplierRow("xai", "grok-3", 0, "hand", effective_from=MAY, ended=True)
    assert with_multiplier_end([known], end, ("x-ai", "grok-3"))[-1].provider == "x-ai"
    assert [row.provider for row in with_multiplier_end([known, typed], end, ("x-ai", "grok-3")) if row.ended] == [
        "xai"
    ]
