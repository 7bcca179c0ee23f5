"""Takes: what counts is decided by the log and the rows' own offsets alone.

Rules of exactness are named; where it is cheap, a scenario is run once more without its rule, and must go wrong.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl

from stream_jobs.keys.slots import Numbers
from stream_jobs.rollups.row_store import RowStore
from stream_jobs.worker.partition import Partition
from stream_jobs.worker.take import TakeProcessor
from tests.stream_jobs.worker.fake_sink import Fate
from tests.stream_jobs.worker.fake_warehouse import FakeWarehouse
from tests.stream_jobs.worker.recomputed import Recomputed
from tests.stream_jobs.worker.sent import BEGIN, Log, Posted, Sent, one_row
from tests.stream_jobs.worker.simulation import Simulation, Step
from tokentally.identity import event_uuid


def frozen_in_mid_flush() -> int:
    """A applied 100 and froze while it wrote 200; B went on from 100, and A's row landed when B was at 161."""
    simulation = Simulation(one_row(230), window_events=1000)
    a = Fate()
    begun = simulation.live(Step(100, "drain"), fate=a)
    assert begun.fake.fate.writes[-1] == "partition_progress"
    a = Fate(freezes_at=1)  # its raw rows land, nothing else does
    simulation.live(Step(100, "drain"), fate=a)
    simulation.live(Step(60, "forget"), Step(0, "thaw all"), Step(10), last=True, zombie=a)
    return simulation.requests()


def test_e2_the_horizon_rises_with_every_load() -> None:
    assert frozen_in_mid_flush() == 230


def test_e2_without_the_rule_forty_events_count_twice() -> None:
    def unmoved(_partitions: dict[int, Partition], _stored: pl.DataFrame) -> None:
        return None

    with patch.object(TakeProcessor, "_raise_horizons", staticmethod(unmoved)):
        assert frozen_in_mid_flush() == 270


def replayed_envelopes() -> int:
    """Envelopes of five events of one row; the rows of a flush land, its progress does not."""
    simulation = Simulation(one_row(20, an_envelope=5), window_events=1000)
    simulation.live(Step(1, "drain"))
    simulation.live(Step(2, "drain"), fate=Fate(dies_at=2))
    simulation.finish(Step(4))
    return simulation.requests()


def test_e3_all_events_of_an_envelope_are_compared_with_the_row_before_it() -> None:
    assert replayed_envelopes() == 20


def test_e3_compared_with_the_row_after_each_event_the_rest_of_an_envelope_is_lost() -> None:
    add = RowStore.add_checked

    def one_by_one(store: RowStore, lines: pl.DataFrame) -> Numbers:
        single = lines.with_columns(pl.lit(1, pl.Int64).alias(name) for name in store.family.measures)
        touched = np.array([], np.int64)
        for line, count in enumerate(lines["requests"].to_list()):
            for _ in range(count):
                touched = add(store, single[line])
        return touched

    with patch.object(RowStore, "add_checked", one_by_one):
        assert replayed_envelopes() < 20


def test_e12_late_and_future_are_judged_by_the_time_of_the_log() -> None:
    begin = datetime(2001, 1, 1, 12, tzinfo=UTC)
    minutes = [timedelta(minutes=m) for m in (-16, -15, 15, 16)]
    log = Log([Posted(tuple(Sent(n, begin + m) for n, m in enumerate(minutes)), after=timedelta(0))], begin)
    simulation = Simulation(log).finish()
    assert {row["source_id"]: row["late"] for row in simulation.warehouse.rows("usage_raw")} == {
        "event 0": 1,
        "event 1": 0,
        "event 2": 0,
    }
    (refusal,) = simulation.warehouse.rejections.values()
    assert refusal.reason.startswith("time 2001-01-01T12:16:00.000Z is more than 900 s after")
    assert (refusal.event_id, refusal.time_ms) == (str(event_uuid("acme", "event 3")), round(begin.timestamp() * 1000))


def test_e13_what_is_older_than_the_cut_is_refused() -> None:
    simulation = Simulation(Log([Posted((Sent(1, BEGIN.replace(year=1999)), Sent(2)))])).finish()
    (refusal,) = simulation.warehouse.rejections.values()
    assert refusal.reason.startswith("too_old: time 1999-03-28T12:00:00.000Z is before 2000-01-01")
    assert simulation.counts()[0] == {"seen": 2, "accepted": 1, "duplicates": 0, "rejected": 1}


def replayed_with_a_small_window() -> int:
    """Raw rows land, then the worker dies: the replay finds its own rows in the lookup table."""
    log = Log([Posted((Sent(n),)) for n in range(8)])
    simulation = Simulation(log, window_events=1)
    simulation.live(Step(4, "drain"))
    simulation.live(Step(4, "drain"), fate=Fate(dies_at=1))
    return simulation.finish().requests()


def test_e15_a_copy_counts_as_one_only_when_it_stands_before() -> None:
    assert replayed_with_a_small_window() == 8


def test_e15_without_comparing_positions_a_replay_deletes_itself() -> None:
    answer = FakeWarehouse.earlier_copies

    def without_positions(self: FakeWarehouse, *tables: str, asked: pl.DataFrame) -> pl.DataFrame:
        found = answer(self, *tables, asked=asked)
        return found.with_columns(pl.lit(-1, pl.Int64).alias("first_offset")) if found.height else found

    with patch.object(FakeWarehouse, "earlier_copies", without_positions):
        assert replayed_with_a_small_window() == 4


def test_e15_copies_beyond_the_window_are_found_by_identity() -> None:
    events = [Sent(1), Sent(2), Sent(3), Sent(1), Sent(1, BEGIN + timedelta(seconds=1))]
    log = Log([Posted((event,)) for event in events])
    simulation = Simulation(log, window_events=1)
    simulation.live(*[Step(1, "drain")] * 5, last=True)
    assert simulation.counts()[0] == {"seen": 5, "accepted": 4, "duplicates": 1, "rejected": 0}
    assert simulation.requests() == len(Recomputed(log, 1).accepted)


def test_e31_buckets_above_the_highest_stored_one_are_not_loaded() -> None:
    answer = FakeWarehouse.family_rows

    def noted(self: FakeWarehouse, *question: Any, asked: pl.DataFrame) -> pl.DataFrame:
        loads.append(asked.height)
        return answer(self, *question, asked=asked)

    loads: list[int] = []
    times = [BEGIN + timedelta(minutes=15) * n for n in range(6)]
    log = Log([Posted((Sent(n, time),), after=timedelta(minutes=15)) for n, time in enumerate(times)])
    simulation = Simulation(log)
    with patch.object(FakeWarehouse, "family_rows", noted):
        simulation.live(Step(3, "drain"))
        assert loads == []
        simulation.live(Step(3, "drain"))
        assert loads == []
        simulation.live(again=1, last=True)
    assert simulation.requests() == 6
