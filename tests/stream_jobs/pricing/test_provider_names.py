"""What OpenTelemetry calls a provider is the catalogue's provider."""

import pytest

from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.providers import Providers

PROVIDERS = Providers(catalogue_rows())


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("anthropic", "anthropic"),
        ("aws.bedrock", "aws"),
        ("azure.ai.inference", "azure"),
        ("azure.ai.openai", "azure"),
        ("cohere", "cohere"),
        ("deepseek", "deepseek"),
        ("gcp.gemini", "google"),
        ("gcp.gen_ai", "google"),
        ("gcp.vertex_ai", "google"),
        ("groq", "groq"),
        ("mistral_ai", "mistral"),
        ("openai", "openai"),
        ("perplexity", "perplexity"),
        ("x_ai", "x-ai"),
    ],
)
def test_well_known_names_are_known(name: str, provider: str) -> None:
    assert PROVIDERS.id_of(name) == provider
