"""What lists, programs and people also call a provider: their name in, the catalogue's id out.

One table for prices that are imported or set and for events that are looked up, so that both mean the same. Only names
that the catalogue's own rules do not lead to the right provider stand here.
"""

from collections.abc import Mapping
from typing import Final

SPELLINGS: Final[Mapping[str, str]] = {
    # models.dev and llms.py
    "amazon-bedrock": "aws",
    "azure-cognitive-services": "azure",
    "fireworks-ai": "fireworks",
    "google-vertex": "google",
    "google-vertex-anthropic": "google",
    "grok": "x-ai",
    "togetherai": "together",
    "xai": "x-ai",
    # OpenTelemetry's gen_ai.provider.name
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gen_ai": "google",
    "x_ai": "x-ai",
    # LiteLLM
    "azure_ai": "azure",
    "azure_text": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "bedrock_mantle": "aws",
    "codestral": "mistral",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "fireworks_ai-embedding-models": "fireworks",
    "gemini": "google",
    "github_copilot": "github-copilot",
    "moonshot": "moonshotai",
    "text-completion-codestral": "mistral",
    "text-completion-openai": "openai",
    "together_ai": "together",
    "vertex_ai": "google",
    "voyage": "voyageai",
}
_VERTEX: Final = "vertex_ai-"
"""Begins one name for each maker whose models Vertex sells: Google charges for all of them."""


def usual_id(name: str) -> str:
    """The catalogue's id for a name in lower case; the name itself where the table has none."""
    return "google" if name.startswith(_VERTEX) else SPELLINGS.get(name, name)
