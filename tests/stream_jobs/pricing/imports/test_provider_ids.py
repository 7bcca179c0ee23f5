"""What lists call providers: a price that is imported under a name is found by events under that name."""

import json
from typing import Any

import pytest

from stream_jobs.pricing import PriceBook
from stream_jobs.pricing.catalogue import provider_rows
from stream_jobs.pricing.imports import read_price_list
from stream_jobs.pricing.imports.known_list import with_import
from stream_jobs.pricing.imports.provider_ids import provider_id
from stream_jobs.pricing.provider_names import SPELLINGS

CATALOGUE = provider_rows()
VERTEX = ("vertex_ai-anthropic_models", "vertex_ai-language-models")
OTHERS = ("openai", "OpenAI", "moonshotai-cn", "google_free", "azure_openai", "nobody-knows-it")
NAMES = (*SPELLINGS, *VERTEX, *OTHERS)


def litellm(name: str) -> Any:
    return {f"{name}/new-model": {"litellm_provider": name, "input_cost_per_token": 2e-6}}


def llms(name: str) -> Any:
    return {"providers": {name: {"pricing": {"new-model": {"input": 2}}, "default_pricing": {"input": 7}}}}


def models_dev(name: str) -> Any:
    return {name: {"models": {"new-model": {"name": "New", "cost": {"input": 2}}}}}


def csv(name: str) -> str:
    return f"provider,model,unit,price_usd\n{name},new-model,input_mtok,2\n"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("of", [litellm, llms, models_dev, csv])
def test_an_event_finds_what_was_imported_under_its_providers_name(of: Any, name: str) -> None:
    content = of(name)
    listed = read_price_list((content if of is csv else json.dumps(content)).encode(), "list")
    for known in (CATALOGUE, []) if name in SPELLINGS else (CATALOGUE,):
        book = PriceBook.from_rows(with_import(known, listed), revision=2)
        for event in ((name, "new-model"), ("", f"{name}/new-model"), (name, f"{name}/new-model")):
            found = book.resolve("acme", *event)
            assert found is not None, event
            assert found.model == "new-model"
        if of is llms:
            default = book.resolve("acme", name, "nobody-has-it")
            assert default is not None
            assert default.model == "*"


@pytest.mark.parametrize("name", NAMES)
def test_an_import_and_an_event_mean_the_same_provider(catalogue_book: PriceBook, name: str) -> None:
    providers = catalogue_book.shared.providers
    assert providers.id_of(provider_id(name)) == providers.id_of(name)


@pytest.mark.parametrize("name", ["vertex_ai-anthropic_models", "google-vertex-anthropic"])
def test_google_sells_what_vertex_has_of_other_makers(catalogue_book: PriceBook, name: str) -> None:
    found = catalogue_book.resolve("acme", name, "claude-3-haiku")
    assert found is not None
    assert "google" in (found.provider, found.sold_by)
