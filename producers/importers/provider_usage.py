"""A provider's own usage object in, disjoint token buckets out: which totals contain which parts, per shape.

Shapes are told apart by their field names, because tools that keep the raw object say little about where it came from.
The rules follow the providers' references: OpenAI's totals contain cached and reasoning tokens; Anthropic counts
cache reads and writes beside `input_tokens`; Gemini's prompt contains cached tokens, its candidates no thoughts.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tokentally.errors import InconsistentTokenCounts
from tokentally.tokens import TokenCounts, disjoint

Usage = Mapping[str, object]

_REASONING_BESIDE_OUTPUT: Final = frozenset({"google", "x-ai", "xai", "grok"})
"""Providers whose chat shape counts reasoning beside `completion_tokens`, when the total does not tell."""
_TOKENS_LIMIT: Final = 10**13
_MODALITIES: Final = {"AUDIO": "audio", "IMAGE": "image", "DOCUMENT": "image", "VIDEO": "video"}


def bucketed(usage: Usage, provider: str = "", model: str = "") -> TokenCounts | None:
    """The fourteen buckets of one call; None when the object holds no token count that is known here.

    Raises InconsistentTokenCounts when a part exceeds the total that should contain it, or is no whole number.
    """
    if "promptTokenCount" in usage or "candidatesTokenCount" in usage:
        return _gemini(usage)
    if "prompt_tokens" in usage or "completion_tokens" in usage:
        return _chat(usage, provider, model)
    if "input_tokens" not in usage and "output_tokens" not in usage:
        return None
    beside = any(name in usage for name in ("cache_read_input_tokens", "cache_creation_input_tokens"))
    return _anthropic(usage) if beside or family(provider, model) == "anthropic" else _responses(usage)


def searches(usage: Usage) -> int:
    """Web searches that Anthropic's server tools report; 0 for every other shape."""
    return _count(_part(usage, "server_tool_use"), "web_search_requests")


def family(provider: str, model: str) -> str:
    """Whose rules hold: the provider by its first word (`google_free` is google), or the vendor of the model."""
    first = provider.lower().split("_")[0]
    vendor = model.lower().split("/")[0]
    for name, marks in (("google", ("gemini",)), ("anthropic", ("claude",))):
        if first == name or vendor == name or vendor.startswith(marks):
            return name
    return first


def _chat(usage: Usage, provider: str, model: str) -> TokenCounts:
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    inside = _part(usage, "prompt_tokens_details")
    out = _part(usage, "completion_tokens_details")
    cached = _count(inside, "cached_tokens") or _count(usage, "cache_read_input_tokens")
    written = _count(inside, "cache_write_tokens", "cache_creation_tokens") or _count(
        usage, "cache_creation_input_tokens"
    )
    owner = family(provider, model)
    if owner == "anthropic" and not inside:
        prompt += cached + written
    reasoning = _count(out, "reasoning_tokens")
    unexplained = _count(usage, "total_tokens") - prompt - completion
    if owner == "google" and not reasoning:
        # Gemini through this shape drops its thoughts: only the total still holds them.
        reasoning = max(unexplained, 0)
    decided_by_total = unexplained in (0, reasoning)
    apart = unexplained == reasoning if decided_by_total else owner in _REASONING_BESIDE_OUTPUT
    return disjoint(
        prompt,
        completion + (reasoning if apart else 0),
        cached=cached,
        cache_write_5m=written,
        reasoning=reasoning,
        input_audio=_count(inside, "audio_tokens"),
        output_audio=_count(out, "audio_tokens"),
    )


def _responses(usage: Usage) -> TokenCounts:
    inside, out = _part(usage, "input_tokens_details"), _part(usage, "output_tokens_details")
    return disjoint(
        _count(usage, "input_tokens"),
        _count(usage, "output_tokens"),
        cached=_count(inside, "cached_tokens"),
        cache_write_5m=_count(inside, "cache_write_tokens"),
        reasoning=_count(out, "reasoning_tokens"),
        input_image=_count(inside, "image_tokens"),
        output_image=_count(out, "image_tokens"),
    )


def _anthropic(usage: Usage) -> TokenCounts:
    read, written = _count(usage, "cache_read_input_tokens"), _count(usage, "cache_creation_input_tokens")
    kept_1h = _count(_part(usage, "cache_creation"), "ephemeral_1h_input_tokens")
    return disjoint(
        _count(usage, "input_tokens") + read + written,
        _count(usage, "output_tokens"),
        cached=read,
        cache_write_5m=written - kept_1h,
        cache_write_1h=kept_1h,
        reasoning=_count(_part(usage, "output_tokens_details"), "thinking_tokens"),
    )


def _gemini(usage: Usage) -> TokenCounts:
    thoughts = _count(usage, "thoughtsTokenCount")
    read = _modalities(usage, "promptTokensDetails", "toolUsePromptTokensDetails")
    cached = _modalities(usage, "cacheTokensDetails")
    written = _modalities(usage, "candidatesTokensDetails")
    return disjoint(
        _count(usage, "promptTokenCount") + _count(usage, "toolUsePromptTokenCount"),
        _count(usage, "candidatesTokenCount") + thoughts,
        cached=_count(usage, "cachedContentTokenCount"),
        reasoning=thoughts,
        input_audio=read["audio"],
        cached_audio=cached["audio"],
        output_audio=written["audio"],
        input_image=read["image"],
        cached_image=cached["image"],
        output_image=written["image"],
        # Cached video has no bucket of its own: it stays in the cached text.
        input_video=read["video"] - cached["video"],
        output_video=written["video"],
    )


def _modalities(usage: Usage, *names: str) -> dict[str, int]:
    sums = {"audio": 0, "image": 0, "video": 0}
    for name in names:
        details = usage.get(name)
        for detail in details if isinstance(details, list) else []:
            kind = _MODALITIES.get(str(detail.get("modality"))) if isinstance(detail, Mapping) else None
            if kind:
                sums[kind] += _count(detail, "tokenCount")
    return sums


def _part(usage: Usage, name: str) -> Usage:
    part = usage.get(name)
    return part if isinstance(part, Mapping) else {}


def _count(usage: Usage, *names: str) -> int:
    """The first of these counts that is there and not null; 0 when none is."""
    for name in names:
        value = usage.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not _is_whole(value):
            raise InconsistentTokenCounts(f"{name} is {str(value)[:40]!r}, not a whole number of tokens")
        return int(value)
    return 0


def _is_whole(value: int | Decimal) -> bool:
    return -_TOKENS_LIMIT < value < _TOKENS_LIMIT and value == int(value)
