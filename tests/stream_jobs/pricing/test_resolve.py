"""Which catalogue entry a name means: genai-prices' rules, route prefixes on top, and never a guess."""

import random

import pytest
from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot

from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.resolve import Resolution, Resolver


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return Resolver(catalogue_rows())


@pytest.mark.parametrize(
    ("provider", "model", "entry", "rule"),
    [
        ("openai", "gpt-4o", "openai/gpt-4o", "provider and model"),
        (" OpenAI ", "GPT-4o-2024-08-06", "openai/gpt-4o", "provider and model"),
        ("", "gpt-4o", "openai/gpt-4o", "model alone"),
        ("litellm", "gpt-4o", "openai/gpt-4o", "model alone"),
        ("openai", "gpt-5.2-20251211", "openai/gpt-5.2", "provider and model, date with dashes"),
        ("azure", "gpt-4o", "openai/gpt-4o", "provider and model, sold by azure"),
        ("", "azure/gpt-4o", "openai/gpt-4o", "prefix azure/, sold by azure"),
        ("azure", "Azure/GPT-4o", "openai/gpt-4o", "prefix azure/, sold by azure"),
        ("", "openrouter/openai/gpt-4o", "openrouter/openai/gpt-4o", "prefix openrouter/"),
        ("openrouter", "openrouter/openai/gpt-4o", "openrouter/openai/gpt-4o", "prefix openrouter/"),
        ("openrouter", "openai/gpt-4o", "openrouter/openai/gpt-4o", "provider and model"),
        ("litellm", "openrouter/openai/gpt-4o", "openrouter/openai/gpt-4o", "prefix openrouter/"),
        ("some-gateway", "openai/gpt-4o", "openai/gpt-4o", "prefix openai/"),
        (
            "",
            "bedrock/converse/anthropic.claude-3-haiku-20240307-v1:0",
            "aws/regional.anthropic.claude-3-haiku-20240307-v1:0",
            "prefix bedrock/",
        ),
        ("google", "models/gemini-2.5-pro", "google/gemini-2.5-pro", "prefix models/"),
        ("vertex_ai", "claude-3-5-sonnet@20240620", "google/claude-3-5-sonnet", "provider and model"),
    ],
)
def test_names_lead_to_the_entry_that_prices_them(
    resolver: Resolver, provider: str, model: str, entry: str, rule: str
) -> None:
    found = resolver.resolve(provider, model)
    assert found is not None
    assert f"{found.provider}/{found.model}" == entry
    assert found.rule == rule


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("", ""),
        ("openai", ""),
        ("openai", "gpt-99"),
        ("some-gateway", "gpt-4o"),
        ("openai", "azure/no-such-model"),
        ("openrouter", "anthropic/claude-99"),
        ("", "/"),
        ("", "openrouter/"),
        ("", "openai/openai/openai/"),
    ],
)
def test_a_name_that_no_rule_finds_stays_unknown(resolver: Resolver, provider: str, model: str) -> None:
    assert resolver.resolve(provider, model) is None


def test_a_prefix_that_contradicts_the_provider_is_not_followed(resolver: Resolver) -> None:
    assert resolver.resolve("openai", "groq/llama-3.3-70b-versatile") is None
    assert resolver.resolve("groq", "groq/llama-3.3-70b-versatile") == Resolution(
        "groq", "llama-3.3-70b-versatile", "prefix groq/"
    )


def test_what_genai_prices_finds_is_found_as_the_same(resolver: Resolver) -> None:
    """Every model under its own provider, in odd spellings, and alone when its name holds no prefix."""
    snapshot = DataSnapshot(providers=providers, from_auto_update=False)
    chance = random.Random(7)
    suffixes = ("", "-20250101", "-2024-08-06", "-latest", "@20240620", ":free", "-preview", "x")
    compared = 0
    for provider in providers:
        for model in provider.models:
            spelled = chance.choice((model.id, model.id.upper(), model.id + chance.choice(suffixes)))
            for named in (provider.id, provider.id.upper(), ""):
                if not named and "/" in spelled:
                    continue
                try:
                    _, expected = snapshot.find_provider_model(spelled, None, named or None, None)
                except LookupError:
                    continue
                found = resolver.resolve(named, spelled)
                assert found is not None, (named, spelled)
                assert (found.model, "prefix" in found.rule) == (expected.id, False), (named, spelled)
                compared += 1
    assert compared > 3500
