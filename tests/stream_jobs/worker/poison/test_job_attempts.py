"""Marks of jobs outlive the process; only ends that nobody meant are counted, and only where nothing got done."""

import asyncio
from pathlib import Path

import pytest

from stream_jobs.errors import JobRefused, SetApart
from stream_jobs.worker.poison.attempts import DEATHS_BEFORE_CARE
from stream_jobs.worker.poison.job_attempts import DEATHS_BEFORE_GIVING_UP, FIRST_REST_SECONDS, JobAttempts
from warehouse.errors import WarehouseRefused

SLICE = ("job", 3, "acme", "2026-03-28")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run/attempts.jobs"


def died(path: Path, *names: object, times: int = 1, of: type[BaseException] = ZeroDivisionError) -> None:
    """Processes that began there, and were gone."""
    for _ in range(times):
        with pytest.raises(of), JobAttempts(path).at(*names):
            raise of


def is_given_up(path: Path, *names: object) -> bool:
    try:
        with JobAttempts(path).at(*names):
            return False
    except JobRefused:
        return True


def test_e29_ten_deaths_in_one_slice_give_it_up(path: Path) -> None:
    died(path, *SLICE, times=DEATHS_BEFORE_GIVING_UP - 1)
    again = JobAttempts(path)
    with pytest.raises(ZeroDivisionError), again.at(*SLICE):
        raise ZeroDivisionError
    with pytest.raises(JobRefused, match="10 processes ended while they worked on this"), JobAttempts(path).at(*SLICE):
        pytest.fail("it is begun")
    assert is_given_up(path, *SLICE)


def test_e29_after_three_deaths_a_slice_rests_longer_each_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("stream_jobs.worker.poison.job_attempts.time.monotonic", lambda: clock[0])
    rests = []
    for _ in range(DEATHS_BEFORE_GIVING_UP + 1):
        rests.append(JobAttempts(path).rest_seconds(*SLICE))
        if len(rests) <= DEATHS_BEFORE_GIVING_UP:
            died(path, *SLICE)
    assert rests == [0, 0, 0, 5, 10, 20, 40, 80, 160, 300, 0], "ten minutes, then it is refused"
    died(path, "another", times=DEATHS_BEFORE_CARE)
    young = JobAttempts(path)
    clock[0] += FIRST_REST_SECONDS - 1
    assert young.rest_seconds("another") == 1
    clock[0] += 1
    assert young.rest_seconds("another") == 0
    assert young.rest_seconds("unknown") == 0


def test_e29_deaths_in_different_slices_are_progress(path: Path) -> None:
    for number in range(2 * DEATHS_BEFORE_CARE):
        died(path, *SLICE, number)
    assert not any(is_given_up(path, *SLICE, number) for number in range(2 * DEATHS_BEFORE_CARE))


def test_e29_a_slice_that_was_done_is_trusted(path: Path) -> None:
    died(path, *SLICE, times=DEATHS_BEFORE_GIVING_UP - 1)
    assert not is_given_up(path, *SLICE)
    died(path, *SLICE, times=DEATHS_BEFORE_GIVING_UP - 1)
    assert not is_given_up(path, *SLICE)


@pytest.mark.parametrize("end", [WarehouseRefused, SetApart, asyncio.CancelledError])
def test_e29_who_knows_why_it_ends_did_not_die_of_the_slice(path: Path, end: type[BaseException]) -> None:
    died(path, *SLICE, times=DEATHS_BEFORE_GIVING_UP, of=end)
    assert not is_given_up(path, *SLICE)


def test_e29_deaths_that_had_another_cause_are_forgotten(path: Path) -> None:
    died(path, *SLICE, times=DEATHS_BEFORE_GIVING_UP)
    assert is_given_up(path, *SLICE)
    JobAttempts(path).forget()
    assert not is_given_up(path, *SLICE)
