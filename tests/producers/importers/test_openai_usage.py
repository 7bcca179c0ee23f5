"""OpenAI's shapes: cached tokens that are audio or images too, and reasoning that is inside or beside the output."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.importers.provider_usage import bucketed
from tests.producers.importers.answers import buckets
from tokentally.errors import InconsistentTokenCounts


@pytest.mark.parametrize(
    ("prompt", "details", "expected"),
    [
        (150, {"cached_tokens": 30, "audio_tokens": 120}, {"cache_read_tokens": 30, "input_audio_tokens": 120}),
        (
            150,
            {"cached_tokens": 100, "audio_tokens": 120},
            {"cache_read_tokens": 30, "cache_audio_read_tokens": 70, "input_audio_tokens": 50},
        ),
        (
            100,
            {"cached_tokens": 90, "audio_tokens": 20, "image_tokens": 30, "video_tokens": 10},
            {
                "cache_read_tokens": 40,
                "cache_audio_read_tokens": 20,
                "cache_image_read_tokens": 30,
                "input_video_tokens": 10,
            },
        ),
        (100, {"cached_tokens": 100, "video_tokens": 60}, {"cache_read_tokens": 100}),
        (
            100,
            {"cached_tokens": 20, "cache_write_tokens": 80, "image_tokens": 60},
            {"cache_image_read_tokens": 20, "cache_write_5m_tokens": 80},
        ),
        (
            150,
            {
                "cached_tokens": 50,
                "audio_tokens": 120,
                "cached_tokens_details": {"text_tokens": 30, "audio_tokens": 20},
            },
            {
                "input_audio_tokens": 100,
                "cache_read_tokens": 30,
                "cache_audio_read_tokens": 20,
            },
        ),
    ],
)
def test_as_many_cached_tokens_are_audio_as_do_not_fit_beside_it(
    prompt: int, details: dict[str, Any], expected: dict[str, int]
) -> None:
    assert buckets({"prompt_tokens": prompt, "completion_tokens": 0, "prompt_tokens_details": details}) == expected
    assert buckets({"input_tokens": prompt, "output_tokens": 0, "input_token_details": details}) == expected


@given(st.data())
def test_parts_that_overlap_never_sum_above_their_total(data: st.DataObject) -> None:
    """Of any prompt some tokens are audio, others are not, and any of both come from the cache."""
    audio, others = data.draw(st.integers(0, 1000)), data.draw(st.integers(0, 1000))
    cached = data.draw(st.integers(0, audio + others))
    details = {"audio_tokens": audio, "cached_tokens": cached}
    read = buckets({"prompt_tokens": audio + others, "completion_tokens": 0, "prompt_tokens_details": details})
    assert sum(read.values()) == audio + others
    assert min(read.values(), default=1) > 0
    assert read.get("cache_read_tokens", 0) + read.get("cache_audio_read_tokens", 0) == cached
    assert read.get("input_audio_tokens", 0) + read.get("cache_audio_read_tokens", 0) == audio


@pytest.mark.parametrize(
    "details",
    [
        {"audio_tokens": 101},
        {"cached_tokens": 50, "audio_tokens": 101},
        {"cached_tokens": 101, "audio_tokens": 50},
        {"cached_tokens": 50, "audio_tokens": 60, "image_tokens": 60},
        {"cached_tokens": 30, "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 31}, "audio_tokens": 40},
        {"cached_tokens": 30, "cached_tokens_details": {"audio_tokens": 20}, "audio_tokens": 10},
        {"cached_tokens": 50, "cached_tokens_details": {"text_tokens": 50}, "audio_tokens": 60},
        {"cached_tokens": 60, "cache_write_tokens": 60},
        {"audio_tokens": -1, "cached_tokens": 101},
    ],
)
def test_counts_that_no_overlap_explains_are_refused(details: dict[str, Any]) -> None:
    with pytest.raises(InconsistentTokenCounts):
        bucketed({"prompt_tokens": 100, "completion_tokens": 0, "prompt_tokens_details": details})
    with pytest.raises(InconsistentTokenCounts):
        bucketed({"input_tokens": 100, "output_tokens": 0, "input_token_details": details})


def test_responses_about_anothers_model_count_as_responses() -> None:
    usage = {
        "input_tokens": 328,
        "input_tokens_details": {"cached_tokens": 100},
        "output_tokens": 52,
        "cache_read_input_tokens": 0,
    }
    assert buckets(usage, "openrouter", "anthropic/claude-sonnet-4.5") == {
        "input_tokens": 228,
        "cache_read_tokens": 100,
        "output_tokens": 52,
    }


def test_reasoning_at_the_top_is_placed_by_the_total_or_the_provider() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "reasoning_tokens": 30}
    assert sum(buckets(usage, "modal").values()) == 150
    assert sum(buckets(usage, "x-ai").values()) == 180
    assert sum(buckets(usage | {"total_tokens": 180}, "modal").values()) == 180
    assert sum(buckets(usage | {"total_tokens": 150}, "x-ai").values()) == 150
    assert sum(buckets(usage | {"total_tokens": 150}, "perplexity").values()) == 180


def test_images_of_xais_python_sdk_are_part_of_the_prompt() -> None:
    usage = {"prompt_tokens": 100, "prompt_image_tokens": 40, "cached_prompt_text_tokens": 10, "completion_tokens": 1}
    assert buckets(usage, "x-ai") == {
        "input_tokens": 50,
        "input_image_tokens": 40,
        "cache_read_tokens": 10,
        "output_tokens": 1,
    }
