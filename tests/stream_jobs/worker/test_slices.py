"""What is too much for the warehouse is asked for in smaller parts, and one bad period does not hold the others up."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.calendars.local_calendar import Period
from stream_jobs.worker.cascade import stuck_alert
from stream_jobs.worker.slices import LEAST_PERIODS, LONGEST_WAIT_SECONDS, PERIODS_PER_SLICE, PROBE, Slices, waiting
from stream_jobs.worker.state import Pending, PeriodKey, Stuck
from tests.stream_jobs.worker.fake_sink import FakeSink
from tests.stream_jobs.worker.sent import BEGIN, Log, Posted, Sent
from tests.stream_jobs.worker.simulation import Simulation, Step
from warehouse.errors import WarehouseStrained

DAY = date(2026, 3, 1)


def periods(count: int) -> dict[PeriodKey, Pending]:
    start = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
    return {(0, f"o{n}", "day", DAY): Pending(Period(start, start + 86_400, DAY), DAY) for n in range(count)}


def later(days: int) -> dict[PeriodKey, Pending]:
    """A period of another organisation, so many days after the first ones."""
    start = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) + days * 86_400
    return {(0, "far", "day", DAY + timedelta(days=days)): Pending(Period(start, start + 86_400, DAY), DAY)}


def grown() -> Slices:
    """After many quick ones."""
    slices = Slices()
    slices.done("day", list(periods(PERIODS_PER_SLICE)), {}, 0.1)
    return slices


def test_a_slice_that_flushes_wait_for_too_long_is_followed_by_smaller_ones() -> None:
    slices, pending = grown(), periods(500)
    sizes = []
    for seconds in (5.0, 3.0, 1.5, 0.8, 1.1, 1.1, 0.3):
        keys = slices.next("day", list(pending), pending)
        sizes.append(len(keys))
        slices.done("day", keys, {}, seconds)
    assert sizes == [200, 100, 50, 25, 25, 16, 16]
    assert len(slices.next("day", list(pending), pending)) == 32


def test_periods_of_very_many_events_come_one_by_one_and_small_ones_together_again() -> None:
    slices, pending = Slices(), periods(500)
    sizes = []
    for seconds_each in (3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 0.01, 0.01):
        keys = slices.next("day", list(pending), pending)
        sizes.append(len(keys))
        slices.done("day", keys, {}, seconds_each * len(keys))
    assert sizes == [16, 8, 4, 2, 1, 1, 1, 2]
    assert len(slices.next("day", list(pending), pending)) == 4


def sizes_of(
    fixed_seconds: float, seconds_each: float, statements: int, *, first: int = PERIODS_PER_SLICE
) -> list[int]:
    slices, pending, sizes = Slices(), periods(500), []
    slices.done("day", list(periods(first)), {}, 0.1)
    for _ in range(statements):
        keys = slices.next("day", list(pending), pending)
        sizes.append(len(keys))
        slices.done("day", keys, {}, fixed_seconds + seconds_each * len(keys))
    return sizes


def test_on_a_busy_machine_smaller_statements_that_take_as_long_derive_no_less() -> None:
    sizes = sizes_of(9.0, 0.05, 60)
    assert sum(sizes[10:]) / 50 >= LEAST_PERIODS / 2
    assert max(sizes[10:]) <= LEAST_PERIODS


def test_periods_that_take_long_each_stay_alone_but_for_a_trial_now_and_then() -> None:
    sizes = sizes_of(0.5, 6.0, 60)
    assert set(sizes[10:]) == {1, 2}
    assert sizes[10:].count(2) <= 50 / PROBE


def test_what_was_a_busy_machine_is_noticed_when_it_is_quiet_again() -> None:
    slices, pending = Slices(), periods(500)
    for seconds in (*[9.0] * 30, *[0.2] * 6):
        keys = slices.next("day", list(pending), pending)
        slices.done("day", keys, {}, seconds)
    assert len(slices.next("day", list(pending), pending)) == PERIODS_PER_SLICE


@pytest.mark.parametrize(("organizations", "days", "together"), [(2, 30, True), (2, 31, False), (150, 3, False)])
def test_a_statement_takes_neighbours_in_time_the_wider_apart_the_fewer_organizations(
    organizations: int, days: int, *, together: bool
) -> None:
    pending = periods(organizations) | later(days)
    taken = grown().next("day", list(pending), pending)
    assert taken == ([*pending] if together else [*periods(organizations)])
    assert Slices().next("day", [], {}) == []


@given(count=st.integers(1, 500), bad=st.integers(0, 499))
def test_e20_one_period_that_never_succeeds_ends_alone_and_all_others_are_derived(count: int, bad: int) -> None:
    slices, pending, stuck = Slices(), periods(count), dict[PeriodKey, Stuck]()
    poison = list(pending)[bad % count]
    for _ in range(4 * PERIODS_PER_SLICE):
        keys = slices.next("day", [key for key in pending if key not in waiting(stuck, pending, now=1.0)], pending)
        if not keys:
            break
        if poison in keys:
            slices.failed("day", keys, stuck, "out of memory", now=0.0)
        else:
            slices.done("day", keys, stuck, 0.1)
            for key in keys:
                del pending[key]
    assert list(pending) == [poison]
    assert stuck == {poison: Stuck(1, 60.0, "out of memory")}


def test_a_period_that_fails_alone_waits_longer_each_time_but_is_never_given_up() -> None:
    slices, stuck, (key,) = Slices(), dict[PeriodKey, Stuck](), periods(1)
    told = [slices.failed("day", [key], stuck, "slow", now=0.0) for _ in range(12)]
    assert [known.again for known in told if known] == [60.0 * 2**n for n in range(6)] + [LONGEST_WAIT_SECONDS] * 6
    assert waiting(stuck, periods(1), LONGEST_WAIT_SECONDS - 1) == {key, (0, "o0", DAY)}
    assert waiting(stuck, periods(1), LONGEST_WAIT_SECONDS) == set()
    slices.done("day", [key], stuck, 0.1)
    assert stuck == {}


def test_an_alert_says_that_the_numbers_are_right() -> None:
    (alert,) = stuck_alert((3, "acme", "day", DAY), "out of memory", 1_700_000_000_000).rows(named=True)
    assert alert["alert_id"] == "stuck_period/3/acme/day/2026-03-01"
    assert alert["message"].startswith("The day 2026-03-01 of acme (log partition 3) cannot be derived: out of memory.")


def test_a_day_that_is_too_much_stays_pending_and_the_others_are_derived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two late days; every statement about the first is too much for the warehouse."""
    bad, derive = (BEGIN - timedelta(days=10)).date(), FakeSink.derive

    def limited(self: FakeSink, sql: Any) -> None:
        if any(due.date == bad for due in sql.arguments[-1]):
            raise WarehouseStrained("Code: 241. DB::Exception: Memory limit")
        derive(self, sql)

    log = Log([Posted((Sent(1, BEGIN - timedelta(days=10)), Sent(2, BEGIN - timedelta(days=9)), Sent(3, BEGIN)))])
    simulation = Simulation(log, window_events=1000)
    with patch.object(FakeSink, "derive", limited):
        worker = simulation.live(Step(1, "cascade"), last=True)
    days = {day for _, _, grain, day in simulation.pending() if grain == "day"}
    assert bad in days
    assert bad + timedelta(days=1) not in days
    assert [known.why for known in worker.state.stuck.values()] == ["out of memory"]
    assert simulation.requests("day") == 1
    simulation.finish()
    assert simulation.requests("day") == 2
