"""A provider's own usage object in, disjoint token buckets out: which totals contain which parts, per shape.

Shapes are told apart by their field names, because tools that keep the raw object say little about where it came from.
The rules follow the providers' references: OpenAI's totals contain cached and reasoning tokens; Anthropic counts
cache reads and writes beside `input_tokens`, and so does Bedrock in its own words; Gemini's prompt contains cached
tokens, its candidates no thoughts; what Cohere bills is not what its models read.
"""

from collections.abc import Mapping
from typing import Final

from producers.importers import anthropic_usage, gemini_usage, openai_usage
from producers.importers.usage_counts import Usage, count, part
from tokentally.tokens import TokenCounts, disjoint

_GEMINI: Final = frozenset({"promptTokenCount", "candidatesTokenCount", "responseTokenCount"})
_CHAT: Final = ("prompt_tokens", "completion_tokens")
_CONVERSE: Final = ("inputTokens", "inputTokenCount")
_CACHE_BESIDE: Final = ("cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation")
_RESPONSES_DETAILS: Final = ("input_tokens_details", "input_token_details", "output_token_details")


def bucketed(usage: Usage, provider: str = "", model: str = "") -> TokenCounts | None:
    """The fourteen buckets of one call; None when the object holds no token count that is known here.

    Raises InconsistentTokenCounts when a part exceeds the total that should contain it, or is no whole number.
    """
    if not _GEMINI.isdisjoint(gemini_usage.in_camel_case(usage)):
        return gemini_usage.metadata(usage)
    if any(name in usage for name in _CHAT):
        return openai_usage.chat(usage, family(provider, model), model)
    if any(name in usage for name in _CONVERSE):
        return anthropic_usage.converse(usage)
    if "billed_units" in usage or isinstance(usage.get("tokens"), Mapping):
        return _cohere(usage)
    if any(usage.get(name) for name in _CACHE_BESIDE):
        return anthropic_usage.messages(usage)
    if part(usage, *_RESPONSES_DETAILS):
        return openai_usage.responses(usage)
    if "input_tokens" not in usage and "output_tokens" not in usage:
        return None
    return anthropic_usage.messages(usage) if family(provider, model) == "anthropic" else openai_usage.responses(usage)


def family(provider: str, model: str) -> str:
    """Whose rules hold: the provider by its first word (`google_free` is google), or the vendor of the model."""
    first = provider.lower().split("_")[0]
    vendor = model.lower().split("/")[0]
    for name, marks in (("google", ("gemini",)), ("anthropic", ("claude",))):
        if first == name or vendor == name or vendor.startswith(marks):
            return name
    return first


def _cohere(usage: Usage) -> TokenCounts:
    """What is billed where it is said, else what the models read and wrote; cached tokens are of the latter."""
    if billed := part(usage, "billed_units"):
        return disjoint(count(billed, "input_tokens"), count(billed, "output_tokens"))
    read = part(usage, "tokens")
    return disjoint(count(read, "input_tokens"), count(read, "output_tokens"), cached=count(usage, "cached_tokens"))
