"""Rows in memory stay under their cap; what leaves is acknowledged, was touched longest ago, and is found again."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from stream_jobs.deduplication.window import Window
from stream_jobs.rollups.groups import grouped
from stream_jobs.worker.eviction import evict, forget, over
from stream_jobs.worker.partition import Partition, Progress
from stream_jobs.worker.state import WorkerState
from tests.benchmarks import memory
from warehouse.families import FAMILIES, ROLLUP

CAP = 160


def state() -> WorkerState:
    made = WorkerState(1)
    made.partitions[0] = Partition.resumed(0, Progress(), Window(10))
    return made


def take(state: WorkerState, users: range, bucket: int = 900, organization: str = "acme") -> list[tuple[int, str, int]]:
    """One event of each user; returns the pairs that would be loaded."""
    texts = {name: "" for family in FAMILIES for name in family.dimensions}
    numbers = {name: 1 for family in FAMILIES for name in family.measures}
    frame = pl.DataFrame({"user_id": [f"user-{number}" for number in users]}).with_columns(
        *(pl.lit(text).alias(name) for name, text in texts.items() if name != "user_id"),
        *(pl.lit(number, pl.Int64).alias(name) for name, number in numbers.items()),
        pl.lit(0, pl.UInt16).alias("src_partition"),
        pl.lit(organization).alias("organization"),
        *(pl.lit(bucket, pl.UInt32).alias(name) for name in ("bucket", "hour")),
        *(pl.lit(date(2026, 3, 28)).alias(name) for name in ("day", "week")),
        pl.lit(0, pl.Int64).alias("src_offset"),
    )
    events, missing = state.entered(frame)
    state.stores[0].add_new(grouped(events, ROLLUP, by_offset=False))
    return missing


def asked(state: WorkerState, users: range) -> set[str]:
    """The users whose rows would be loaded by key, were these taken."""
    store = state.stores[0]
    pair = int(np.flatnonzero(state.pairs.touched <= state.pairs.take)[0])
    lines = pl.DataFrame({"user_id": [f"user-{number}" for number in users]}).with_columns(
        *(pl.lit("").alias(name) for name in store.family.dimensions if name != "user_id"), pl.lit(pair).alias("pair")
    )
    return set(store.stored_elsewhere(lines)["user_id"])


def users(state: WorkerState) -> set[str]:
    store = state.stores[0]
    return set(store.rows(store.numbers)["user_id"])


def test_what_was_touched_longest_ago_leaves_first() -> None:
    memory = state()
    for first in (0, 100):
        take(memory, range(first, first + 100))
    take(memory, range(50))
    memory.acknowledged_take = memory.pairs.take
    assert over(memory, CAP) == 40
    evict(memory, CAP)
    assert over(memory, CAP) <= 0
    assert users(memory) == {f"user-{number}" for number in (*range(50), *range(100, 200))}


def test_e4_what_is_not_acknowledged_stays() -> None:
    memory = state()
    take(memory, range(100))
    memory.acknowledged_take = memory.pairs.take
    take(memory, range(50, 300))
    evict(memory, CAP)
    assert users(memory) == {f"user-{number}" for number in range(50, 300)}


def test_a_pair_that_left_is_loaded_as_a_whole_and_a_new_one_is_not() -> None:
    memory = state()
    assert take(memory, range(10), bucket=900) == []
    memory.acknowledged_take = memory.pairs.take
    forget(memory, memory.pairs.take)
    assert len(memory.pairs) == len(memory.pairs.texts) == memory.rows_in_memory == 0
    assert take(memory, range(1), bucket=900) == [(0, "acme", 900)]
    assert take(memory, range(1), bucket=1800) == []


def test_a_pair_stays_with_its_keys_noted_so_that_new_rows_are_known_to_be_new() -> None:
    memory = state()
    take(memory, range(10), bucket=900)
    memory.acknowledged_take = memory.pairs.take
    forget(memory, memory.pairs.take, noted_keys=10)
    assert (memory.rows_in_memory, len(memory.pairs), memory.stores[0].evicted) == (0, 1, 10)
    assert asked(memory, range(8, 14)) == {"user-8", "user-9"}


def test_when_too_many_keys_are_noted_the_oldest_pairs_leave_as_a_whole() -> None:
    memory = state()
    for bucket in (900, 1800, 2700, 3600):
        take(memory, range(10), bucket=bucket)
    take(memory, range(5), bucket=900)
    memory.acknowledged_take = memory.pairs.take
    forget(memory, memory.pairs.take, noted_keys=25)
    pairs = memory.pairs.frame(np.flatnonzero(memory.pairs.touched <= memory.pairs.take))
    assert pairs["bucket"].to_list() == [900, 3600]
    assert memory.stores[0].evicted == 20
    assert take(memory, range(1), bucket=1800) == [(0, "acme", 1800)]
    assert take(memory, range(1), bucket=3600) == []


def test_keys_of_evicted_rows_count_for_what_they_take() -> None:
    memory = state()
    take(memory, range(800))
    memory.acknowledged_take = memory.pairs.take
    take(memory, range(1))
    evict(memory, 100)
    assert (memory.rows_in_memory, memory.stores[0].evicted) == (1, 799)
    assert over(memory, 100) == 1 + 799 // 8 - 100
    evict(memory, 100)
    assert memory.stores[0].evicted == 0
    assert memory.pairs.unlisted.tolist() == [True]


@pytest.mark.integration
def test_every_row_is_right_when_ten_times_as_many_are_alive_as_may_be_kept() -> None:
    assert memory.run(keys=50_000, rows_in_memory=5_000, events=64_000, organizations=200)
