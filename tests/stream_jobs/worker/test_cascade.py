"""The cascade: closed periods are derived to the end, and an older derivation never wins."""

from dataclasses import replace
from datetime import date, timedelta
from unittest.mock import patch

from stream_jobs.rollups.cascade import DuePeriod
from stream_jobs.worker.cascade import Cascade
from stream_jobs.worker.state import Pending, PeriodKey, WorkerState
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


OLD = BEGIN - 7 * DAYS
TIMES = [BEGIN, OLD, BEGIN - 14 * DAYS]
LOG = Log([Posted((Sent(n, time),)) for n, time in enumerate(TIMES)])
STEPS = (Step(1, "drain"), Step(2, "drain"))


def second(table: str) -> int:
    """The number of the second write to a table in the life of a worker that takes these steps."""
    writes = Simulation(LOG).live(*STEPS).fake.fate.writes
    return [number for number, written in enumerate(writes) if written == table][1]


def open_days(simulation: Simulation) -> set[date]:
    """The days that views take from finer rows."""
    return {day for _, _, grain, day in simulation.pending() if grain == "day"}


def marked_ahead_of_progress() -> set[date]:
    """A dies after the marks and rows of two old days; B derives the first of them before it reads of the second."""
    simulation = Simulation(LOG)
    simulation.live(*STEPS, fate=Fate(dies_at=second("partition_progress")))
    with patch.object(Cascade, "look", lambda *_: None):
        simulation.live(Step(1, "cascade"), last=True)
    assert simulation.requests("day") == 2
    return open_days(simulation)


def test_e9_a_mark_that_was_stored_ahead_of_progress_is_done_in_the_end() -> None:
    assert marked_ahead_of_progress() == {BEGIN.date()}


def test_e9_a_day_that_waits_for_its_worker_s_own_mark_only_is_never_done_to_the_end() -> None:
    def forgetful(self: WorkerState, key: PeriodKey, touched: Pending) -> None:
        self.pending[key] = touched

    with patch.object(WorkerState, "touch", forgetful):
        assert marked_ahead_of_progress() == {BEGIN.date(), OLD.date()}


def late_marks() -> set[date]:
    """A freezes before its marks land. B loads, derives the first of the two days, and A's marks land above that."""
    simulation, a = Simulation(LOG), Fate(freezes_at=second("touched_periods"))
    simulation.live(*STEPS, fate=a)
    simulation.live(Step(1, "cascade"), zombie=a, last=True)
    return open_days(simulation)


def test_e9_a_mark_that_lands_after_its_day_was_derived_is_found() -> None:
    assert late_marks() == {BEGIN.date()}


def test_e9_without_looking_again_a_late_mark_waits_for_the_next_owner() -> None:
    with patch.object(Cascade, "look", lambda *_: None):
        assert late_marks() == {BEGIN.date(), OLD.date()}
