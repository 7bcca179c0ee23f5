"""Bins of latency histograms: exact where numbers are small, within 2 % above, the same in SQL and numpy."""

from itertools import pairwise

import chdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.families import OUTPUT_BUCKETS
from warehouse.latency_bins import BOUNDS, EXACT_UP_TO, HIGHEST, LOWEST, METRICS, MIDDLES, bin_sql, bins_of


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


def answer(sql: str) -> list[str]:
    """The lines the engine answers."""
    return str(chdb.query(sql, "TSV")).split()  # type: ignore[no-untyped-call]


@given(st.integers(0, HIGHEST))
def test_the_middle_of_a_bin_is_within_two_percent(value: int) -> None:
    bin_number = int(bins_of(np.array([value]))[0])
    assert LOWEST[bin_number] <= value <= BOUNDS[bin_number]
    assert abs(MIDDLES[bin_number] - value) * 100 <= 2 * value


def test_sql_and_numpy_agree_at_every_boundary() -> None:
    near = {value + step for value in BOUNDS for step in (-1, 0, 1) if value + step >= 0}
    values = sorted(near | {5 * 10**18})
    text = ",".join(map(str, values))
    assert answer(f"SELECT {bin_sql('v')} FROM (SELECT arrayJoin([{text}]) AS v)") == [
        str(number) for number in bins_of(np.array(values)).tolist()
    ]


@pytest.mark.parametrize(
    ("tokens", "duration", "speed"),
    [
        (50, "1000", "50000"),
        (0, "1000", "\\N"),
        (50, "0", "\\N"),
        (50, "NULL", "\\N"),
        (10**12, "1", str(10**18)),
    ],
)
def test_speed_is_counted_only_for_calls_that_wrote_something(tokens: int, duration: str, speed: str) -> None:
    other_buckets = ", ".join(f"toUInt64(0) AS {name}" for name in OUTPUT_BUCKETS[1:])
    call = f"toUInt64({tokens}) AS output_tokens, CAST({duration} AS Nullable(Int64)) AS duration_ms"
    assert answer(f"SELECT {METRICS['output_tokens_per_1000_s']} FROM (SELECT {call}, {other_buckets})") == [
        speed
    ]
