"""Token buckets: fourteen, disjoint, and never negative."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentally import TOKEN_BUCKETS, InconsistentTokenCounts, TokenCounts, UsageEvent, disjoint
from tokentally.tokens import DIRECTIONS

counts = st.integers(0, 10**9)
buckets = st.fixed_dictionaries(dict.fromkeys(TOKEN_BUCKETS, counts))


def test_buckets_are_the_token_fields_of_an_event_in_its_order() -> None:
    fields = tuple(name for name in UsageEvent.model_fields if name.endswith("_tokens"))
    assert fields == TOKEN_BUCKETS == tuple(TokenCounts.__annotations__) == tuple(DIRECTIONS)
    assert len(TOKEN_BUCKETS) == 14


def test_openai_cached_and_reasoning_tokens_are_parts_of_their_totals() -> None:
    split = disjoint(1000, 500, cached=400, reasoning=200)
    assert {name: count for name, count in split.items() if count} == {
        "input_tokens": 600,
        "cache_read_tokens": 400,
        "output_tokens": 300,
        "reasoning_tokens": 200,
    }


def test_cached_audio_is_counted_once_though_it_is_cached_and_audio() -> None:
    split = disjoint(1000, cached=400, input_audio=300, cached_audio=100)
    assert {name: count for name, count in split.items() if count} == {
        "input_tokens": 400,
        "cache_read_tokens": 300,
        "input_audio_tokens": 200,
        "cache_audio_read_tokens": 100,
    }


@given(buckets)
def test_splitting_inclusive_counts_gives_back_the_buckets_they_were_made_of(parts: dict[str, int]) -> None:
    totals = {
        direction: sum(parts[name] for name in TOKEN_BUCKETS if DIRECTIONS[name] == direction)
        for direction in ("input", "output")
    }
    split: Any = disjoint(
        totals["input"],
        totals["output"],
        cached=parts["cache_read_tokens"] + parts["cache_audio_read_tokens"] + parts["cache_image_read_tokens"],
        cache_write_5m=parts["cache_write_5m_tokens"],
        cache_write_1h=parts["cache_write_1h_tokens"],
        reasoning=parts["reasoning_tokens"],
        input_audio=parts["input_audio_tokens"] + parts["cache_audio_read_tokens"],
        cached_audio=parts["cache_audio_read_tokens"],
        output_audio=parts["output_audio_tokens"],
        input_image=parts["input_image_tokens"] + parts["cache_image_read_tokens"],
        cached_image=parts["cache_image_read_tokens"],
        output_image=parts["output_image_tokens"],
        input_video=parts["input_video_tokens"],
        output_video=parts["output_video_tokens"],
    )
    assert split == parts


@given(counts, counts, counts, counts, counts, counts)
def test_counts_are_split_exactly_or_refused(
    input_total: int, output_total: int, cached: int, audio: int, cached_audio: int, reasoning: int
) -> None:
    try:
        split: Any = disjoint(
            input_total,
            output_total,
            cached=cached,
            input_audio=audio,
            cached_audio=cached_audio,
            reasoning=reasoning,
        )
    except InconsistentTokenCounts:
        assert (
            cached + audio - cached_audio > input_total or reasoning > output_total or cached_audio > min(audio, cached)
        )
        return
    assert min(split.values()) >= 0
    assert sum(split.values()) == input_total + output_total


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_total": 100, "cached": 101}, "input_total 100 is less than the parts it should contain: cached 101"),
        ({"input_total": 1, "output_total": 5, "reasoning": 6}, "output_total 5 is less than the parts"),
        ({"input_total": 9, "cached": 1, "cached_audio": 2, "input_audio": 2}, "cached 1 is less than the parts"),
        ({"input_total": -1}, "input_total is -1: token counts are never negative"),
    ],
)
def test_contradictions_name_both_quantities(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(InconsistentTokenCounts, match=message):
        disjoint(**arguments)
