"""Rows are a pure function of the log: any split, crash, replay and load gives those of the uninterrupted run."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_jobs.rollups.groups import grouped, with_key
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
        pl.lit(None, pl.Date).alias("day"),
        pl.lit(None, pl.Date).alias("week"),
        *(pl.col("n").alias(measure) for measure in FAMILY.measures),
    )


def sums(rows: pl.DataFrame) -> dict[str, tuple[int, int]]:
    return {t: (r, o) for t, r, o in rows.select("thread_id", "requests", "offset").iter_rows()}


def everything(store: RowStore) -> pl.DataFrame:
    return store.rows(np.arange(len(store))) if len(store) else pl.DataFrame()


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
        store.add_new(grouped(frame(list(enumerate(log[:crash]))), FAMILY, by_offset=False))
        written = data.draw(st.sets(st.sampled_from(["a", "b", "c"])))
        if len(store):
            stored_rows = {
                row["thread_id"]: row for row in everything(store).iter_rows(named=True) if row["thread_id"] in written
            }
    applied = data.draw(st.integers(-1, crash - 1))
    resumed = RowStore(FAMILY)
    below = log[: applied + 1]
    base = RowStore(FAMILY)
    if below:
        base.add_new(grouped(frame(list(enumerate(below))), FAMILY, by_offset=False))
    known = {row["thread_id"]: row for row in (everything(base).iter_rows(named=True) if len(base) else [])}
    rows = list({**known, **stored_rows}.values())
    if rows:
        resumed.put(
            with_key(
                pl.DataFrame(rows, schema=everything(base if len(base) else store).schema).lazy(), FAMILY
            ).collect()
        )
    rest = list(enumerate(log))[applied + 1 :]
    while rest:
        width = data.draw(st.integers(1, len(rest)))
        resumed.add_checked(grouped(frame(rest[:width]), FAMILY, by_offset=True))
        rest = rest[width:]
    assert (sums(everything(resumed)) if len(resumed) else {}) == whole(log)


@given(log=logs, cut=st.integers(0, 12))
@settings(max_examples=100, deadline=None)
def test_the_fast_path_equals_the_careful_one(log: list[list[Sent]], cut: int) -> None:
    envelopes = list(enumerate(log))
    fast, careful = RowStore(FAMILY), RowStore(FAMILY)
    for part in (envelopes[:cut], envelopes[cut:]):
        if part:
            fast.add_new(grouped(frame(part), FAMILY, by_offset=False))
            careful.add_checked(grouped(frame(part), FAMILY, by_offset=True))
    assert (sums(everything(fast)) if len(fast) else {}) == (sums(everything(careful)) if len(careful) else {})
    assert (sums(everything(fast)) if len(fast) else {}) == whole(log)


def test_a_replay_names_its_rows_again_so_that_they_are_written_again() -> None:
    store = RowStore(FAMILY)
    lines = grouped(frame([(0, [Sent("a", 1)])]), FAMILY, by_offset=True)
    store.add_checked(lines)
    assert store.add_checked(lines).tolist() == [0]
    assert sums(everything(store)) == {"a": (1, 0)}


def test_forgotten_rows_come_back_as_stored() -> None:
    store = RowStore(FAMILY)
    store.add_new(grouped(frame([(0, [Sent("a", 1), Sent("b", 2)])]), FAMILY, by_offset=False))
    before = everything(store)
    store.keep(pl.col("thread_id") == "b")
    assert sums(everything(store)) == {"b": (2, 0)}
    store.put(with_key(before.filter(pl.col("thread_id") == "a").lazy(), FAMILY).collect())
    assert sums(everything(store)) == {"a": (1, 0), "b": (2, 0)}


def test_stores_grow_beyond_their_first_size() -> None:
    store = RowStore(FAMILY)
    store.add_new(grouped(frame([(0, [Sent(f"t{n}", n) for n in range(10_000)])]), FAMILY, by_offset=False))
    assert sums(everything(store)) == {f"t{n}": (n, 0) for n in range(10_000)}
