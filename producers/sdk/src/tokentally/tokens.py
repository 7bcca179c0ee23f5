"""The fourteen disjoint token buckets, and the one conversion from counts that contain one another."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypedDict

from .errors import InconsistentTokenCounts

Direction = Literal["input", "output"]

DIRECTIONS: Final[Mapping[str, Direction]] = MappingProxyType(
    {
        "input_tokens": "input",
        "cache_read_tokens": "input",
        "cache_write_5m_tokens": "input",
        "cache_write_1h_tokens": "input",
        "output_tokens": "output",
        "reasoning_tokens": "output",
        "input_audio_tokens": "input",
        "cache_audio_read_tokens": "input",
        "output_audio_tokens": "output",
        "input_image_tokens": "input",
        "cache_image_read_tokens": "input",
        "output_image_tokens": "output",
        "input_video_tokens": "input",
        "output_video_tokens": "output",
    }
)
"""Each bucket and whether the model read it or wrote it. No token is in two buckets: their sum is the total."""

TOKEN_BUCKETS: Final[tuple[str, ...]] = tuple(DIRECTIONS)
"""The bucket names in the order of every table and frame."""


class TokenCounts(TypedDict):
    """One call's tokens by bucket; unpacks into `UsageEvent(**counts)` and `record(**counts)`."""

    input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    input_audio_tokens: int
    cache_audio_read_tokens: int
    output_audio_tokens: int
    input_image_tokens: int
    cache_image_read_tokens: int
    output_image_tokens: int
    input_video_tokens: int
    output_video_tokens: int


def disjoint(
    input_total: int,
    output_total: int = 0,
    *,
    cached: int = 0,
    cache_write_5m: int = 0,
    cache_write_1h: int = 0,
    reasoning: int = 0,
    input_audio: int = 0,
    cached_audio: int = 0,
    output_audio: int = 0,
    input_image: int = 0,
    cached_image: int = 0,
    output_image: int = 0,
    input_video: int = 0,
    output_video: int = 0,
) -> TokenCounts:
    """Disjoint buckets from counts as most providers report them, where a total contains its parts.

    `input_total` contains every input part and `output_total` every output part, reasoning included. `cached` contains
    `cached_audio` and `cached_image`, and so do `input_audio` and `input_image`. For a source that reports a part
    beside its total, add it to the total first (Anthropic: cache reads and writes; Gemini: thoughts).

    Raises InconsistentTokenCounts when a count is negative or the parts exceed what should contain them: then the rule
    for that source is wrong, and a clamped zero would hide it.
    """
    reported = locals()
    for name, count in reported.items():
        if count < 0:
            raise InconsistentTokenCounts(f"{name} is {count}: token counts are never negative")
    cached_text = _remainder("cached", cached, cached_audio=cached_audio, cached_image=cached_image)
    audio = _remainder("input_audio", input_audio, cached_audio=cached_audio)
    image = _remainder("input_image", input_image, cached_image=cached_image)
    return TokenCounts(
        input_tokens=_remainder(
            "input_total",
            input_total,
            cached=cached,
            cache_write_5m=cache_write_5m,
            cache_write_1h=cache_write_1h,
            uncached_input_audio=audio,
            uncached_input_image=image,
            input_video=input_video,
        ),
        cache_read_tokens=cached_text,
        cache_write_5m_tokens=cache_write_5m,
        cache_write_1h_tokens=cache_write_1h,
        output_tokens=_remainder(
            "output_total",
            output_total,
            reasoning=reasoning,
            output_audio=output_audio,
            output_image=output_image,
            output_video=output_video,
        ),
        reasoning_tokens=reasoning,
        input_audio_tokens=audio,
        cache_audio_read_tokens=cached_audio,
        output_audio_tokens=output_audio,
        input_image_tokens=image,
        cache_image_read_tokens=cached_image,
        output_image_tokens=output_image,
        input_video_tokens=input_video,
        output_video_tokens=output_video,
    )


def _remainder(whole: str, count: int, **parts: int) -> int:
    rest = count - sum(parts.values())
    if rest < 0:
        named = " + ".join(f"{name} {part}" for name, part in parts.items() if part)
        raise InconsistentTokenCounts(
            f"{whole} {count} is less than the parts it should contain: {named}; does this source report them apart?"
        )
    return rest
