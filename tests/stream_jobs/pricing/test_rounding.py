"""Half to even, once, in both forms."""

from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.pricing.rounding import MAX_INT64, rounded_half_even, rounded_ratio


def _rounded(values: list[int], divisor: int) -> list[int]:
    frame = pl.DataFrame({"exact": pl.Series(values, dtype=pl.Int128)})
    return frame.select(rounded_half_even(pl.col("exact"), divisor))["exact"].to_list()


@pytest.mark.parametrize(
    ("exact", "rounded"), [(0, 0), (499, 0), (500, 0), (501, 1), (1499, 1), (1500, 2), (2500, 2), (2501, 3), (3500, 4)]
)
def test_halves_go_to_the_even_neighbour(exact: int, rounded: int) -> None:
    assert _rounded([exact], 1000) == [rounded]
    assert rounded_ratio(exact, 1000) == rounded


def test_what_does_not_fit_is_the_largest_integer() -> None:
    assert _rounded([MAX_INT64 * 10, MAX_INT64 * 10 + 10, 10**38], 10) == [MAX_INT64] * 3
    assert rounded_ratio(2**70, 1) == MAX_INT64


@given(st.lists(st.integers(0, 10**32), min_size=1, max_size=20), st.sampled_from([10**6, 10**15]))
def test_both_forms_agree_with_exact_fractions(values: list[int], divisor: int) -> None:
    expected = [min(round(Fraction(value, divisor)), MAX_INT64) for value in values]
    assert _rounded(values, divisor) == expected
    assert [rounded_ratio(value, divisor) for value in values] == expected


@given(st.lists(st.integers(0, 10**24), min_size=1, max_size=50))
def test_the_error_is_at_most_half_a_nano_per_event(values: list[int]) -> None:
    drift = sum(_rounded(values, 10**15)) - Fraction(sum(values), 10**15)
    assert abs(drift) <= Fraction(len(values), 2)
