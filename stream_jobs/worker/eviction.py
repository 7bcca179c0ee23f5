"""Keeps the rows in memory under their cap: what was touched longest ago leaves first.

A row leaves, and its key stays noted with its pair: a new row of that pair is then told from a stored one without
asking, and late events mostly bring new rows. When too many keys are noted, the oldest pairs leave as a whole.
"""

import numpy as np

from stream_jobs.keys.slots import Truths
from stream_jobs.rollups.pairs import PAIR
from stream_jobs.worker.state import WorkerState

EVICTED_AT_ONCE = 16
"""One part in so many of the cap, so that an eviction takes some 10 ms per 100,000 rows and is seldom."""
EVICTED_KEYS_PER_ROW = 8
"""So many noted keys of evicted rows take the memory of a row."""
NOTED_KEYS = 2
"""Times the cap; beyond, pairs that nobody touches leave, and are loaded as a whole when they are needed again."""
MOST_EVICTED_KEYS = 4
"""Times the cap; beyond, which only pairs in use can reach, no key is noted and rows are asked for one by one."""


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
    forget(state, int(np.partition(touched, surplus - 1)[surplus - 1]), NOTED_KEYS * cap)


def forget(state: WorkerState, until: int, noted_keys: int = 0) -> None:
    """Forgets all acknowledged rows that were touched last in or before this take.

    Pairs that have no others leave too, the oldest first, until at most so many keys of evicted rows are noted.
    """
    until = min(until, state.acknowledged_take)
    leaving = _leaving(state, until, noted_keys)
    for store in state.stores:
        store.evict(until, leaving)
    numbers = np.flatnonzero(leaving)
    for number, organization, bucket in state.pairs.frame(numbers).select(PAIR).iter_rows():
        highest = state.partitions[number].highest_bucket
        highest[organization] = max(bucket, highest.get(organization, -1))
    state.pairs.remove(numbers)


def _leaving(state: WorkerState, until: int, noted_keys: int) -> Truths:
    pairs = state.pairs
    idle = pairs.untouched_since(until)
    noted = np.zeros(len(idle), np.int64)
    for store in state.stores:
        noted += np.bincount(store.evicted_pairs(), minlength=len(idle))
        noted += np.bincount(store.pairs_of(until), minlength=len(idle))
    candidates = np.flatnonzero(idle)
    oldest = candidates[np.argsort(pairs.touched[candidates], kind="stable")]
    surplus = int(noted.sum()) - noted_keys
    enough = int(np.searchsorted(np.cumsum(noted[oldest]), surplus)) + 1 if surplus > 0 else 0
    leaving: Truths = idle & pairs.unlisted
    leaving[oldest[:enough]] = True
    return leaving
