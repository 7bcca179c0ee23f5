"""Keeps the rows in memory under their cap: what was touched longest ago leaves first."""

import numpy as np

from stream_jobs.rollups.pairs import PAIR
from stream_jobs.worker.state import WorkerState

EVICTED_AT_ONCE = 16
"""One part in so many of the cap, so that an eviction takes some 10 ms per 100,000 rows and is seldom."""
EVICTED_KEYS_PER_ROW = 8
"""So many noted keys of evicted rows take the memory of a row."""
MOST_EVICTED_KEYS = 4
"""Times the cap; beyond, no key is noted any more and rows are asked for one by one."""


def over(state: WorkerState, cap: int) -> int:
    """How many rows too many are in memory, the keys of evicted ones counted in."""
    return state.rows_in_memory + sum(store.evicted for store in state.stores) // EVICTED_KEYS_PER_ROW - cap


def evict(state: WorkerState, cap: int) -> None:
    """Makes room under the cap among the rows that are acknowledged (rule E4)."""
    if sum(store.evicted for store in state.stores) > MOST_EVICTED_KEYS * cap:
        for store in state.stores:
            store.forget_evicted()
    surplus = over(state, cap) + cap // EVICTED_AT_ONCE
    touched = np.concatenate([store.touched() for store in state.stores])
    if surplus <= 0 or not touched.size:
        return
    surplus = min(surplus, touched.size)
    forget(state, int(np.partition(touched, surplus - 1)[surplus - 1]))


def forget(state: WorkerState, until: int) -> None:
    """Forgets all acknowledged rows that were touched last in or before this take, and pairs that have no others."""
    until = min(until, state.acknowledged_take)
    leaving = state.pairs.untouched_since(until)
    for store in state.stores:
        store.evict(until, leaving)
    numbers = np.flatnonzero(leaving)
    for number, organization, bucket in state.pairs.frame(numbers).select(PAIR).iter_rows():
        highest = state.partitions[number].highest_bucket
        highest[organization] = max(bucket, highest.get(organization, -1))
    state.pairs.remove(numbers)
