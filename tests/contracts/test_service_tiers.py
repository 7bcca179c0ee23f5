"""Providers' words for how they served a call."""

import pytest

from tokentally import service_tier_of


@pytest.mark.parametrize(
    ("word", "tier"),
    [
        ("batch", "batch"),
        ("flex", "flex"),
        ("PRIORITY", "priority"),
        ("fast", "fast"),
        ("default", ""),
        ("standard", ""),
        ("auto", ""),
        ("on_demand", ""),
        ("scale", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_word_means_a_tier_with_prices_of_its_own_or_the_standard_way(word: str | None, tier: str) -> None:
    assert service_tier_of(word) == tier
