"""The agent: which records are admitted, and when rows may be forgotten."""

from datetime import timedelta
from unittest.mock import patch

import pytest

from stream_jobs.errors import OffsetGap
from stream_jobs.worker.eviction import forget
from stream_jobs.worker.state import WorkerState
from tests.stream_jobs.worker import simulation
from tests.stream_jobs.worker.sent import BEGIN, Log, Posted, Sent, one_row
from tests.stream_jobs.worker.simulation import SimulatedWorker, Simulation, Step

DAYS = timedelta(days=1)


def evicted_in_between() -> int:
    """Two rows in turn, evicted after each take; every second take is written before."""
    hours = [BEGIN + timedelta(hours=n) for n in (0, 6, 0, 6, 0, 6)]
    log = Log([Posted((Sent(n, time),), after=timedelta(hours=6)) for n, time in enumerate(hours)])
    simulation = Simulation(log, window_events=1000)
    simulation.live(*[Step(1, "evict"), Step(1, "drain"), Step(0, "evict")] * 3, last=True)
    return simulation.requests()


def test_e4_only_acknowledged_rows_are_forgotten() -> None:
    assert evicted_in_between() == 6


def test_e4_rows_forgotten_before_they_are_written_are_lost() -> None:
    def without_the_rule(state: WorkerState, until: int) -> None:
        state.acknowledged_take = until
        forget(state, until)

    with patch.object(simulation, "forget", without_the_rule):
        assert evicted_in_between() < 6


def test_e8_a_gap_in_what_is_delivered_ends_the_worker() -> None:
    simulation = Simulation(one_row(5))
    del (messages := list(simulation.log.messages))[2]
    simulation.log.messages = messages
    with pytest.raises(OffsetGap, match="partition 0: 3 came, 2 was due"):
        simulation.live(Step(5, "drain"))


def test_e8_records_that_were_applied_are_acknowledged_and_not_counted_again() -> None:
    simulation = Simulation(one_row(5))
    simulation.live(Step(3, "drain"))
    worker = simulation.live(again=2, last=True)
    assert worker.acknowledged == [(0, 1), (0, 2), (0, 3), (0, 4)]
    assert simulation.requests() == 5


def test_e9_what_has_closed_is_derived_after_a_restart_in_silence() -> None:
    log = Log([Posted((Sent(1, BEGIN - 7 * DAYS),))])
    simulation = Simulation(log)
    simulation.live(Step(1, "drain"))
    simulation.live(last=True)
    assert simulation.pending() == set()


def test_e8_a_refused_partition_is_never_counted() -> None:
    simulation = Simulation(one_row(4))
    simulation.live(Step(2, "drain"))
    (row,) = simulation.warehouse.rows("partition_progress")
    simulation.warehouse.store("partition_progress", [{**row, "topic_id": "another log"}])
    with patch.object(SimulatedWorker, "assign", lambda _worker: {0: 2, 1: 0}):  # of an older generation
        simulation.live(last=True)
    assert simulation.requests() == 2


def test_e28_a_take_that_never_ends_is_no_rest() -> None:
    worker = Simulation(one_row(1)).live(last=True)
    assert worker.flusher.idle
    worker.flusher.taking = True
    assert not worker.flusher.idle
