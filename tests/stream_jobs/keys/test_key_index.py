"""An index is a dictionary of keys to row numbers, whatever it grows by and forgets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_jobs.keys import key_index
from stream_jobs.keys.key_index import KeyIndex, Keys
from stream_jobs.keys.slots import Numbers

numbers = st.integers(0, 40)
steps = st.lists(st.tuples(st.sampled_from(["add", "add", "remove", "find"]), st.lists(numbers, max_size=60)))


def keys(values: list[int]) -> Keys:
    return np.array([(value % 7, value, 9) for value in values], np.uint32).reshape(-1, 3)


@given(steps=steps)
@settings(max_examples=300, deadline=None)
def test_it_agrees_with_a_dictionary(steps: list[tuple[str, list[int]]]) -> None:
    index, model = KeyIndex(3), dict[int, int]()
    for action, values in steps:
        if action == "add":
            rows, fresh = index.add(keys(values))
            assert sorted(fresh.tolist()) == sorted(
                {row for v, row in zip(values, rows.tolist(), strict=True) if v not in model}
            )
            model |= dict(zip(values, rows.tolist(), strict=True))
        elif action == "remove":
            gone = {value: model.pop(value) for value in set(values) if value in model}
            index.remove(np.array(list(gone.values()), np.int64))
        assert index.find(keys(values)).tolist() == [model.get(value, -1) for value in values]
        assert len(index) == len(model) == len(set(model.values()))
        assert index.columns(rows_of(model)).tolist() == keys(list(model)).tolist()


def rows_of(model: dict[int, int]) -> Numbers:
    return np.array(list(model.values()), np.int64)


def test_it_is_whole_while_a_larger_table_is_filled_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_index, "MOVED_AT_ONCE", 16)
    index, model, chance = KeyIndex(1), dict[int, int](), np.random.default_rng(1)
    for first in range(0, 20_000, 50):
        values = np.arange(first, first + 50, dtype=np.uint32)
        rows, _ = index.add(values.reshape(-1, 1))
        model |= dict(zip(values.tolist(), rows.tolist(), strict=True))
        gone = chance.choice(list(model), 10, replace=False).tolist()
        index.remove(np.array([model.pop(value) for value in gone]))
        asked = np.array([*gone, *list(model)[:100]], np.uint32)
        assert index.find(asked.reshape(-1, 1)).tolist() == [model.get(value, -1) for value in asked.tolist()]
    asked = np.arange(20_000, dtype=np.uint32)
    assert index.find(asked.reshape(-1, 1)).tolist() == [model.get(value, -1) for value in range(20_000)]
    assert index.end <= len(model) + 50


def test_keys_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_index, "_hashes", lambda words: np.full(len(words), 77, np.uint64))
    index = KeyIndex(2)
    asked = np.array([(a, b) for a in range(8) for b in range(8)], np.uint32)
    rows, _ = index.add(asked)
    again, fresh = index.add(np.concatenate((asked[::-1], asked)))
    assert len(index) == 64
    assert fresh.size == 0
    assert again.tolist() == [*rows.tolist()[::-1], *rows.tolist()]
    index.remove(rows[:32])
    assert index.find(asked).tolist() == [-1] * 32 + rows.tolist()[32:]
