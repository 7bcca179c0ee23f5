"""Tiers and bounds of a multiplier."""

import pytest

from stream_jobs.credits import MultiplierRow, tier_of
from stream_jobs.credits.errors import CreditRulesRefused


@pytest.mark.parametrize(
    ("milli", "tier"),
    [(0, "economy"), (300, "economy"), (999, "economy"), (1000, "standard"), (1999, "standard"), (2000, "premium")],
)
def test_tiers_begin_at_one_and_at_two(milli: int, tier: str) -> None:
    assert tier_of(milli) == tier


@pytest.mark.parametrize("milli", [-1, 1_000_001])
def test_a_multiplier_out_of_bounds_is_refused(milli: int) -> None:
    with pytest.raises(CreditRulesRefused, match="between 0 and 1000000"):
        MultiplierRow("openai", "gpt-4o", milli, "test")


def test_a_default_names_no_provider() -> None:
    with pytest.raises(CreditRulesRefused, match="every provider"):
        MultiplierRow("openai", "", 1000, "test")
