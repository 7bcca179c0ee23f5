"""The cascade: closed periods are derived to the end, and an older derivation never wins."""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from stream_jobs.rollups.cascade import DuePeriod
from stream_jobs.worker.cascade import Cascade
from stream_jobs.worker.state import PeriodKey, WorkerState
from tests.stream_jobs.worker.fake_sink import Fate
from tests.stream_jobs.worker.sent import BEGIN, Log, Posted, Sent
from tests.stream_jobs.worker.simulation import Simulation, Step
from warehouse.families import FAMILIES

DAYS = timedelta(days=1)


def slow_cascade() -> tuple[int, int]:
    """A derives a day of 15 events and freezes before that lands; B derives 60; then A's statements land."""
    log = Log([Posted((Sent(n, BEGIN - 10 * DAYS),)) for n in range(60)])
    flushed = Simulation(log, window_events=1000).live(Step(15, "drain"))
    of_the_days = len(flushed.fake.fate.writes) + len(FAMILIES)  # the statements of the hours land
    simulation, a = Simulation(log, window_events=1000), Fate(freezes_at=of_the_days)
    simulation.live(Step(15, "cascade"), fate=a)
    simulation.finish()
    before = simulation.requests("day")
    a.thaw()
    return before, simulation.requests("day")


def test_e5_an_older_and_slower_derivation_does_not_win() -> None:
    assert slow_cascade() == (60, 60)


def test_e5_with_equal_versions_sixty_fall_back_to_fifteen() -> None:
    due = Cascade._due

    def unversioned(state: WorkerState, key: PeriodKey, epoch: int) -> DuePeriod:
        return replace(due(state, key, epoch), applied_offset=0)

    with patch.object(Cascade, "_due", staticmethod(unversioned)):
        assert slow_cascade() == (60, 15)


def test_e9_a_mark_that_was_stored_ahead_of_progress_is_done_in_the_end() -> None:
    times = [BEGIN - 7 * DAYS, BEGIN - 14 * DAYS]
    simulation = Simulation(Log([Posted((Sent(n, time),)) for n, time in enumerate(times)]))
    before = simulation.live(Step(2, "drain"), fate=Fate()).fake.fate.writes
    simulation = Simulation(simulation.log)
    simulation.live(Step(2, "drain"), fate=Fate(dies_at=before.index("partition_progress")))
    simulation.live(Step(1, "cascade"), last=True)
    assert simulation.requests("day") == 2
    assert simulation.pending() == set()
