"""Evicted rows are remembered by hash: asked for in vain now and then, never taken for new."""

import numpy as np
import pytest

from stream_jobs.keys.slots import Hashes, Numbers
from stream_jobs.rollups.evicted_keys import EvictedKeys


def pairs(*numbers: int) -> Numbers:
    return np.array(numbers, np.int64)


def hashes(*numbers: int) -> Hashes:
    return np.array(numbers, np.uint64)


def test_rows_are_remembered_until_they_are_loaded() -> None:
    keys = EvictedKeys()
    keys.add(pairs(1, 1, 2), hashes(5, 1 << 63, 5))
    assert keys.may_hold(pairs(1, 1, 2, 2, 3), hashes(5, 1 << 63, 5, 6, 5)).tolist() == [True] * 3 + [False] * 2
    keys.remove(pairs(1, 9), hashes(5, 5))
    assert keys.may_hold(pairs(1, 1, 2), hashes(5, 1 << 63, 5)).tolist() == [False, True, True]
    assert sorted(keys.pairs().tolist()) == [1, 2]


@pytest.mark.parametrize("together", [True, False])
def test_a_hash_that_two_rows_share_outlives_the_loading_of_one(together: bool) -> None:
    keys = EvictedKeys()
    if together:
        keys.add(pairs(1, 1), hashes(5, 5))
    else:
        keys.add(pairs(1), hashes(5))
        keys.add(pairs(1), hashes(5))
    keys.remove(pairs(1), hashes(5))
    assert keys.may_hold(pairs(1), hashes(5)).all()


def test_rows_leave_with_their_pair() -> None:
    keys = EvictedKeys()
    keys.add(pairs(0, 1, 1), hashes(5, 5, 6))
    keys.forget_pairs(np.array([False, True]))
    assert keys.may_hold(pairs(0, 1, 1), hashes(5, 5, 6)).tolist() == [True, False, False]
    assert len(keys) == 1
