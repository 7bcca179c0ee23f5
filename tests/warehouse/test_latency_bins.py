"""Bins of latency histograms: exact where numbers are small, within 2 % above."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from warehouse.latency_bins import BOUNDS, EXACT_UP_TO, HIGHEST, LOWEST, MIDDLES, bins_of


def test_bounds_are_strictly_increasing_and_reach_the_highest_number() -> None:
    assert all(low < high for low, high in pairwise(BOUNDS))
    assert BOUNDS[-1] >= HIGHEST
    assert len(BOUNDS) < 2**16


def test_small_numbers_have_a_bin_each() -> None:
    assert BOUNDS[: EXACT_UP_TO + 1] == tuple(range(EXACT_UP_TO + 1))
    assert MIDDLES[: EXACT_UP_TO + 1] == tuple(range(EXACT_UP_TO + 1))


def test_the_table_is_frozen_because_stored_rows_name_bins() -> None:
    assert [len(BOUNDS), BOUNDS[51], BOUNDS[100], BOUNDS[300]] == [545, 52, 287, 699_738]
    assert BOUNDS[-1] == 10_024_515_399


@given(st.integers(0, HIGHEST))
def test_the_middle_of_a_bin_is_within_two_percent(value: int) -> None:
    bin_number = int(bins_of(np.array([value]))[0])
    assert LOWEST[bin_number] <= value <= BOUNDS[bin_number]
    assert abs(MIDDLES[bin_number] - value) * 100 <= 2 * value
