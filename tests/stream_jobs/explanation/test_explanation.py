"""What explains an event is compared with what is stored of it."""

import pytest

from .conftest import Explain


def test_a_row_that_follows_from_its_prices_has_no_differences(explain: Explain) -> None:
    found = explain()
    assert found.differences == ()
    assert (found.billing.billed_nano_usd, found.credits.credits_micro) == (3_000_000, 2_000_000)
    assert found.under is not None
    assert found.under.cost_nano_usd == 5_000_000


@pytest.mark.parametrize(
    ("column", "stored", "made"),
    [
        ("cost_nano_usd", 2_500_001, "2500000"),
        ("cost_status", "partial", "priced"),
        ("priced_as", "openai/gpt-4", "openai/gpt-4o"),
        ("billed_nano_usd", 0, "3000000"),
        ("credits_micro", 1, "2000000"),
    ],
)
def test_each_difference_is_told(explain: Explain, column: str, stored: object, made: str) -> None:
    assert explain(**{column: stored}).differences == (f"{column} is {stored}, explained is {made}",)


def test_a_bucket_without_a_price_is_named(explain: Explain) -> None:
    found = explain(output_audio_tokens=3, cost_status="partial")
    assert (found.cost.unpriced_units, found.differences) == (("output_audio_tokens",), ())
