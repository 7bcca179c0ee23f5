"""Usage in OpenAI's two shapes, chat and responses, which most providers copy: totals contain their parts.

Realtime and transcription answers have the shape of responses; their details are called `input_token_details`.
"""

from typing import Final

from producers.importers.perplexity_usage import citations, is_perplexity
from producers.importers.usage_counts import Usage, count, dealt, known, part
from tokentally.tokens import TokenCounts, disjoint

_REASONING_BESIDE_OUTPUT: Final = frozenset({"google", "x-ai", "xai", "grok"})
"""Providers whose chat shape counts reasoning beside `completion_tokens`, when the total does not tell."""
_CACHED_IN_CHAT: Final = (
    "cached_tokens",
    "num_cached_tokens",
    "cached_prompt_text_tokens",
    "prompt_cache_hit_tokens",
    "cache_read_input_tokens",
)
_WRITTEN: Final = ("cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens")
_MODALITIES: Final = {"audio": "audio_tokens", "image": "image_tokens", "video": "video_tokens"}


def chat(usage: Usage, family: str, model: str) -> TokenCounts:
    """Buckets of `prompt_tokens` and `completion_tokens`. family: whose rules hold, as provider_usage names it.

    Raises InconsistentTokenCounts like `provider_usage.bucketed`.
    """
    prompt, completion = count(usage, "prompt_tokens"), count(usage, "completion_tokens")
    inside = part(usage, "prompt_tokens_details", "prompt_token_details")
    out = part(usage, "completion_tokens_details", "completion_token_details")
    cached = _cached(inside) or count(usage, *_CACHED_IN_CHAT)
    written = count(inside, *_WRITTEN) or count(usage, "cache_creation_input_tokens")
    if family == "anthropic" and not inside:
        prompt += count(usage, "cache_read_input_tokens") + count(usage, "cache_creation_input_tokens")
    reasoning = count(out, "reasoning_tokens") or count(usage, "reasoning_tokens")
    unexplained = count(usage, "total_tokens") - prompt - completion
    if family == "google" and not reasoning:
        # Gemini through this shape drops its thoughts: only the total still holds them.
        reasoning = max(unexplained, 0)
    beside = is_perplexity(usage, family) or _is_beside(unexplained, reasoning, family)
    prompt += citations(usage, model)
    return disjoint(
        prompt,
        completion + (reasoning if beside else 0),
        reasoning=reasoning,
        **_input_parts(prompt, inside or {"image_tokens": usage.get("prompt_image_tokens")}, cached, written),
        **_output_parts(out),
    )


def responses(usage: Usage) -> TokenCounts:
    """Buckets of `input_tokens` and `output_tokens`; a total that is not there is the sum of its modalities.

    Raises InconsistentTokenCounts like `provider_usage.bucketed`.
    """
    inside = part(usage, "input_tokens_details", "input_token_details")
    out = part(usage, "output_tokens_details", "output_token_details")
    total = _total(usage, "input_tokens", inside)
    return disjoint(
        total,
        _total(usage, "output_tokens", out),
        reasoning=count(out, "reasoning_tokens"),
        **_input_parts(total, inside, _cached(inside), count(inside, *_WRITTEN)),
        **_output_parts(out),
    )


def _is_beside(unexplained: int, reasoning: int, family: str) -> bool:
    """Whether reasoning is beside the completion: the total decides; when it explains nothing, the provider."""
    if unexplained in (0, reasoning):
        return unexplained == reasoning
    return family in _REASONING_BESIDE_OUTPUT


def _total(usage: Usage, name: str, details: Usage) -> int:
    total = known(usage, name)
    return _sum(details) if total is None else total


def _cached(inside: Usage) -> int:
    cached = known(inside, "cached_tokens", "cache_read_input_tokens")
    return _sum(part(inside, "cached_tokens_details")) if cached is None else cached


def _sum(details: Usage) -> int:
    return sum(count(details, name) for name in ("text_tokens", *_MODALITIES.values()))


def _output_parts(out: Usage) -> dict[str, int]:
    return {f"output_{modality}": count(out, name) for modality, name in _MODALITIES.items()}


def _input_parts(total: int, inside: Usage, cached: int, written: int) -> dict[str, int]:
    """The parts of the input as `disjoint` takes them.

    Cached tokens are also audio, images or video as `cached_tokens_details` says. Where it is missing, only as many
    are as do not fit beside the cache into the total, audio first; cache writes are the last to hold any.
    """
    sizes = {modality: count(inside, name) for modality, name in _MODALITIES.items()}
    excess = cached + written + sum(sizes.values()) - total
    told = part(inside, "cached_tokens_details")
    if any(number is not None for number in told.values()):
        kept = {modality: count(told, name) for modality, name in _MODALITIES.items()}
    else:
        kept = dealt(min(excess, cached), sizes)
    uncached = {modality: size - kept[modality] for modality, size in sizes.items()}
    stored = dealt(min(excess - sum(kept.values()), written), uncached)
    return {
        "cached": cached,
        "cache_write_5m": written,
        "cached_audio": kept["audio"],
        "cached_image": kept["image"],
        "input_audio": sizes["audio"] - stored["audio"],
        "input_image": sizes["image"] - stored["image"],
        # Cached video has no bucket of its own: it stays in the cached text.
        "input_video": uncached["video"] - stored["video"],
    }
