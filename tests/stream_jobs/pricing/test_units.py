"""Which price a token is charged at."""

import pytest

from stream_jobs.pricing.units import BUCKET_UNITS, UNITS, missing_join, most_specific
from tokentally.tokens import DIRECTIONS, TOKEN_BUCKETS


def test_each_bucket_is_a_unit_of_its_own_and_of_its_direction() -> None:
    assert len(set(BUCKET_UNITS)) == len(TOKEN_BUCKETS) == 14
    for name, unit in zip(TOKEN_BUCKETS, BUCKET_UNITS, strict=True):
        assert ("direction", DIRECTIONS[name]) in unit.dimensions
        assert ("family", "tokens") in unit.dimensions


@pytest.mark.parametrize(
    ("used", "priced", "charged_as"),
    [
        ("cache_read_tokens", ["input_tokens"], "input_tokens"),
        ("cache_read_tokens", ["input_tokens", "cache_read_tokens"], "cache_read_tokens"),
        ("cache_write_1h_tokens", ["input_tokens", "cache_write_tokens"], "cache_write_tokens"),
        ("cache_audio_read_tokens", ["input_tokens", "input_audio_tokens"], "input_audio_tokens"),
        ("output_reasoning_tokens", ["input_tokens", "output_tokens"], "output_tokens"),
        ("output_tokens", ["input_tokens"], None),
        ("input_audio_seconds", ["audio_seconds"], "audio_seconds"),
        ("audio_seconds", ["input_audio_seconds"], None),
    ],
)
def test_usage_takes_the_price_of_the_nearest_unit_that_contains_it(
    used: str, priced: list[str], charged_as: str | None
) -> None:
    found = most_specific([UNITS[key] for key in priced], UNITS[used])
    assert (found and found.usage_key) == charged_as


def test_two_prices_that_overlap_need_one_for_the_overlap() -> None:
    overlapping = frozenset({UNITS["input_tokens"], UNITS["cache_read_tokens"], UNITS["input_audio_tokens"]})
    pair = missing_join(overlapping)
    assert pair is not None
    assert {unit.usage_key for unit in pair} == {"cache_read_tokens", "input_audio_tokens"}
    assert missing_join(overlapping | {UNITS["cache_audio_read_tokens"]}) is None
