"""E7: sums never wrap. What a row may hold is bounded, and beyond it nothing is changed."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.rollups.groups import grouped
from stream_jobs.rollups.limits import ROW_LIMIT, SumTooLarge
from stream_jobs.rollups.row_store import RowStore
from tests.stream_jobs.rollups.test_row_store import FAMILY, Sent, everything, frame
from warehouse.families import MONEY

MOST_NANO_USD = 10**15
"""What one event may cost."""
QUARTERS_IN_A_WEEK = 7 * 96 + 4
PAIR = frame([(0, [Sent("t", 1)])])
costs = st.lists(
    st.one_of(st.integers(0, MOST_NANO_USD), st.sampled_from([MOST_NANO_USD, ROW_LIMIT % MOST_NANO_USD, 1])),
    min_size=1,
    max_size=20,
)


def priced(costs: list[int]) -> pl.DataFrame:
    """One event each, all of one row, each an envelope of its own."""
    events = frame([])
    made = {name: [0] * len(costs) for name in events.columns if events.schema[name] == pl.Int64}
    made |= dict.fromkeys(MONEY, costs) | {"src_offset": list(range(len(costs))), "pair": [0] * len(costs)}
    return pl.DataFrame(made).with_columns(pl.lit("t").alias("thread_id"))


@given(costs=costs, by_offset=st.booleans(), cut=st.integers(0, 20))
def test_sums_are_those_of_whole_numbers_or_refused(costs: list[int], by_offset: bool, cut: int) -> None:
    store = RowStore(FAMILY)
    store.pairs.add(PAIR)
    total = 0
    for first, part in ((0, costs[:cut]), (cut, costs[cut:])):
        events = priced(part).with_columns(pl.col("src_offset") + first)
        try:
            made = grouped(events, FAMILY, by_offset=by_offset)
            (store.add_checked if by_offset else store.add_new)(made)
        except SumTooLarge:
            assert total + sum(part) > ROW_LIMIT
            break
        total += sum(part)
        assert total <= ROW_LIMIT
    assert everything(store)["cost_nano_usd"].sum() == total


def test_a_take_that_would_wrap_is_summed_in_128_bits_and_refused() -> None:
    with pytest.raises(SumTooLarge, match="9,007,199,254,740,992"):
        grouped(priced([MOST_NANO_USD] * 20_000), FAMILY, by_offset=False)
    small = grouped(priced([MOST_NANO_USD] * 9 + [0] * 20_000), FAMILY, by_offset=False)
    assert small["cost_nano_usd"].to_list() == [9 * MOST_NANO_USD]
    assert small.schema["cost_nano_usd"] == pl.Int64


def test_a_row_is_refused_before_it_changes() -> None:
    store = RowStore(FAMILY)
    store.pairs.add(PAIR)
    for offset in range(9):
        store.add_new(grouped(priced([MOST_NANO_USD]).with_columns(src_offset=offset), FAMILY, by_offset=False))
    for by_offset in (False, True):
        made = grouped(priced([MOST_NANO_USD]).with_columns(src_offset=9), FAMILY, by_offset=by_offset)
        with pytest.raises(SumTooLarge, match="rejected replay"):
            (store.add_checked if by_offset else store.add_new)(made)
    assert everything(store).select("cost_nano_usd", "offset").row(0) == (9 * MOST_NANO_USD, 8)


def test_the_row_of_a_week_holds_whatever_its_quarter_hours_hold() -> None:
    assert np.iinfo(np.int64).max > QUARTERS_IN_A_WEEK * ROW_LIMIT
