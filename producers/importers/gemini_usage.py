"""Gemini's usage metadata: the prompt contains cached tokens, the candidates no thoughts.

Field names are in camel case over HTTP and in snake case in Google's Python SDK; the Live API calls its candidates
the response.
"""

from typing import Final

from producers.importers.usage_counts import Usage, count, dealt, parts
from tokentally.tokens import TokenCounts, disjoint

_MODALITIES: Final = {"AUDIO": "audio", "IMAGE": "image", "DOCUMENT": "image", "VIDEO": "video"}
_OF_PROMPT: Final = ("promptTokensDetails", "toolUsePromptTokensDetails")
_OF_CACHE: Final = ("cacheTokensDetails",)
_OF_OUTPUT: Final = ("candidatesTokensDetails", "responseTokensDetails")


def metadata(usage: Usage) -> TokenCounts:
    """Buckets of one call; document tokens count as image tokens, for that is what Google charges them as.

    Cached tokens whose modality is not told are audio, images or video only as far as they do not fit beside these into
    the prompt, audio first.
    Raises InconsistentTokenCounts like `provider_usage.bucketed`.
    """
    usage = in_camel_case(usage)
    thoughts = count(usage, "thoughtsTokenCount")
    prompt = count(usage, "promptTokenCount") + count(usage, "toolUsePromptTokenCount")
    all_cached = count(usage, "cachedContentTokenCount")
    cached = _by_modality(usage, _OF_CACHE)
    read = _by_modality(usage, _OF_PROMPT if any(parts(usage, name) for name in _OF_PROMPT) else _OF_CACHE)
    if not any(parts(usage, name) for name in _OF_CACHE):
        cached = dealt(min(all_cached + sum(read.values()) - prompt, all_cached), read)
    written = _by_modality(usage, [name for name in _OF_OUTPUT if parts(usage, name)][:1])
    return disjoint(
        prompt,
        count(usage, "candidatesTokenCount", "responseTokenCount") + thoughts,
        cached=all_cached,
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


def in_camel_case(usage: Usage) -> Usage:
    """The same object with names such as promptTokenCount for prompt_token_count."""
    return {_camel(name): value for name, value in usage.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _by_modality(usage: Usage, names: list[str] | tuple[str, ...]) -> dict[str, int]:
    sums = {"audio": 0, "image": 0, "video": 0}
    for name in names:
        for detail in parts(usage, name):
            if kind := _MODALITIES.get(str(detail.get("modality"))):
                sums[kind] += count(detail, "tokenCount", "token_count")
    return sums
