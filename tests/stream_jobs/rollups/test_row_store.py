"""Rows are a pure function of the log: any split, crash, replay and load gives those of the uninterrupted run."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_jobs.rollups.groups import grouped
from stream_jobs.rollups.row_store import RowStore
from warehouse.families import ROLLUP_THREAD

FAMILY = ROLLUP_THREAD


@dataclass(frozen=True)
class Sent:
    thread: str
    tokens: int


def frame(envelopes: list[tuple[int, list[Sent]]]) -> pl.DataFrame:
    """Measured events of whole envelopes (offset, events)."""
    rows = [(offset, event.thread, event.tokens) for offset, events in envelopes for event in events]
    events = pl.DataFrame(rows, schema={"src_offset": pl.Int64, "thread_id": pl.String, "n": pl.Int64}, orient="row")
    return events.with_columns(
        pl.lit(0, pl.UInt16).alias("src_partition"),
        pl.lit("acme").alias("organization"),
        pl.lit(900, pl.UInt32).alias("bucket"),
        pl.lit(0, pl.UInt32).alias("hour"),
        pl.lit(0, pl.Int32).cast(pl.Date).alias("day"),
        pl.lit(0, pl.Int32).cast(pl.Date).alias("week"),
        *(pl.col("n").alias(measure) for measure in FAMILY.measures),
    )


def sums(rows: pl.DataFrame) -> dict[str, tuple[int, int]]:
    return {t: (r, o) for t, r, o in rows.select("thread_id", "requests", "offset").iter_rows()}


def everything(store: RowStore) -> pl.DataFrame:
    return store.rows(store.numbers)


def lines(store: RowStore, envelopes: list[tuple[int, list[Sent]]], *, by_offset: bool = False) -> pl.DataFrame:
    events = frame(envelopes)
    numbers, _ = store.pairs.add(events)
    return grouped(events.with_columns(pl.Series("pair", numbers)), FAMILY, by_offset=by_offset)


sent = st.builds(Sent, st.sampled_from(["a", "b", "c", ""]), st.integers(1, 9))
logs = st.lists(st.lists(sent, min_size=1, max_size=5), min_size=1, max_size=12)


def whole(log: list[list[Sent]]) -> dict[str, tuple[int, int]]:
    expected: dict[str, tuple[int, int]] = {}
    for offset, events in enumerate(log):
        for event in events:
            if event.thread:
                expected[event.thread] = (expected.get(event.thread, (0, 0))[0] + event.tokens, offset)
    return expected


@given(log=logs, data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_crash_point_and_replay_gives_the_rows_of_the_uninterrupted_run(
    log: list[list[Sent]], data: st.DataObject
) -> None:
    """Some rows were stored at one offset, others at another, progress stood below both: the replay must agree."""
    stored_rows: dict[str, dict[str, object]] = {}
    crash = data.draw(st.integers(0, len(log)))
    store = RowStore(FAMILY)
    if crash:
        store.add_new(lines(store, list(enumerate(log[:crash]))))
        written = data.draw(st.sets(st.sampled_from(["a", "b", "c"])))
        stored_rows = {
            row["thread_id"]: row for row in everything(store).iter_rows(named=True) if row["thread_id"] in written
        }
    applied = data.draw(st.integers(-1, crash - 1))
    resumed = RowStore(FAMILY)
    below = log[: applied + 1]
    base = RowStore(FAMILY)
    if below:
        base.add_new(lines(base, list(enumerate(below))))
    known = {row["thread_id"]: row for row in everything(base).iter_rows(named=True)}
    rows = list({**known, **stored_rows}.values())
    if rows:
        resumed.put(pl.DataFrame(rows, schema=everything(base).schema))
    rest = list(enumerate(log))[applied + 1 :]
    while rest:
        width = data.draw(st.integers(1, len(rest)))
        resumed.add_checked(lines(resumed, rest[:width], by_offset=True))
        rest = rest[width:]
    assert sums(everything(resumed)) == whole(log)


@given(log=logs, cut=st.integers(0, 12))
@settings(max_examples=100, deadline=None)
def test_the_fast_path_equals_the_careful_one(log: list[list[Sent]], cut: int) -> None:
    envelopes = list(enumerate(log))
    fast, careful = RowStore(FAMILY), RowStore(FAMILY)
    for part in (envelopes[:cut], envelopes[cut:]):
        if part:
            fast.add_new(lines(fast, part))
            careful.add_checked(lines(careful, part, by_offset=True))
    assert sums(everything(fast)) == sums(everything(careful))
    assert sums(everything(fast)) == whole(log)


def test_a_replay_names_its_rows_again_so_that_they_are_written_again() -> None:
    store = RowStore(FAMILY)
    again = lines(store, [(0, [Sent("a", 1)])], by_offset=True)
    store.add_checked(again)
    assert store.add_checked(again).tolist() == [0]
    assert sums(everything(store)) == {"a": (1, 0)}


def test_rows_of_a_pair_that_stays_are_asked_for_by_key_when_they_were_evicted() -> None:
    store = RowStore(FAMILY)
    for take, thread in enumerate("abc"):
        store.pairs.take = take
        store.add_new(lines(store, [(take, [Sent(thread, 1)])]))
    before = everything(store)
    store.evict(1, store.pairs.untouched_since(1))
    assert (sums(everything(store)), store.evicted) == ({"c": (1, 2)}, 2)
    named = lines(store, [(3, [Sent(thread, 1) for thread in "abcd"])])
    assert set(store.stored_elsewhere(named)["thread_id"]) == {"a", "b"}
    store.put(before.filter(pl.col("thread_id") == "a"))
    assert store.evicted == 1
    assert store.stored_elsewhere(named)["thread_id"].to_list() == ["b"]


def test_nobody_remembers_the_rows_of_a_pair_that_leaves() -> None:
    store = RowStore(FAMILY)
    named = lines(store, [(0, [Sent("a", 1), Sent("b", 1)])])
    store.add_new(named)
    leaving = store.pairs.untouched_since(0)
    store.evict(0, leaving)
    store.pairs.remove(np.flatnonzero(leaving))
    assert (len(store), store.evicted, len(store.pairs), len(store.pairs.texts)) == (0, 0, 0, 0)


def test_every_unknown_row_of_an_unlisted_pair_is_asked_for() -> None:
    store = RowStore(FAMILY)
    named = lines(store, [(0, [Sent("a", 1), Sent("b", 1)])])
    store.add_new(named[:1])
    assert store.stored_elsewhere(named).is_empty()
    store.pairs.unlist(store.pairs.find(frame([(0, [Sent("a", 1)])])))
    assert store.stored_elsewhere(named).equals(named[1:])


def test_when_too_many_were_evicted_their_pair_is_unlisted() -> None:
    store = RowStore(FAMILY)
    named = lines(store, [(0, [Sent("a", 1), Sent("b", 1)])])
    store.add_new(named)
    store.evict(0, np.zeros(1, np.bool_))
    store.forget_evicted()
    assert (store.evicted, store.stored_elsewhere(named).height) == (0, 2)


SOURCE = [(pair, thread) for pair in range(3) for thread in "abcdef"]
touches = st.lists(st.sampled_from(SOURCE), min_size=1, max_size=8)


@given(takes=st.lists(st.tuples(touches, st.integers(0, 6), st.booleans()), max_size=25))
@settings(max_examples=200, deadline=None)
def test_a_store_that_evicts_and_reloads_gives_what_a_dictionary_gives(
    takes: list[tuple[list[tuple[int, str]], int, bool]],
) -> None:
    """Rows evicted after each take are stored as they were; what is needed again comes from there."""
    store, stored = RowStore(FAMILY), dict[tuple[int, str], dict[str, object]]()
    expected: dict[tuple[int, str], tuple[int, int]] = {}
    for offset, (touched, kept_takes, unlist) in enumerate(takes):
        store.pairs.take = offset
        events = frame([(offset, [Sent(thread, 1) for _, thread in touched])])
        events = events.with_columns(pl.Series("bucket", [900 * pair for pair, _ in touched], pl.UInt32))
        numbers, fresh = store.pairs.add(events)
        buckets = set(store.pairs.frame(fresh)["bucket"])
        load(store, [row for (pair, _), row in stored.items() if 900 * pair in buckets])
        named = grouped(events.with_columns(pl.Series("pair", numbers)), FAMILY, by_offset=False)
        asked = store.stored_elsewhere(named)
        keys = zip(store.pairs.frame(asked["pair"].to_numpy())["bucket"], asked["thread_id"], strict=True)
        load(store, [stored[key] for bucket, thread in keys if (key := (bucket // 900, thread)) in stored])
        store.add_new(named)
        for pair, thread in touched:
            expected[pair, thread] = (expected.get((pair, thread), (0, 0))[0] + 1, offset)
        stored |= {(row["bucket"] // 900, row["thread_id"]): row for row in everything(store).iter_rows(named=True)}
        leaving = store.pairs.untouched_since(offset - kept_takes)
        store.evict(offset - kept_takes, leaving)
        store.pairs.remove(np.flatnonzero(leaving))
        if unlist:
            store.forget_evicted()
    assert {key: (row["requests"], row["offset"]) for key, row in stored.items()} == expected


def load(store: RowStore, rows: list[dict[str, object]]) -> None:
    if rows:
        store.put(pl.DataFrame(rows, schema=everything(store).schema))


def test_stores_grow_beyond_their_first_size() -> None:
    store = RowStore(FAMILY)
    store.add_new(lines(store, [(0, [Sent(f"t{n}", n) for n in range(10_000)])]))
    assert sums(everything(store)) == {f"t{n}": (n, 0) for n in range(10_000)}
