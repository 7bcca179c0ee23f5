"""Marks outlive the process; deaths are counted where a process began and got no further."""

from pathlib import Path

import pytest

from stream_jobs.worker.poison.attempts import DEATHS_BEFORE_CARE, SLOT_BYTES, Attempts, Mark, Phase


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run/attempts"


def died(path: Path, position: int, reached: int, times: int = 1, phase: Phase = Phase.TAKING) -> None:
    """Processes that resumed at `position`, began envelopes up to `reached`, and were gone."""
    for _ in range(times):
        attempts = Attempts(path)
        attempts.resumed(3, position)
        attempts.begin(3, position, reached, phase)


def test_e29_a_partition_without_a_mark_is_not_suspicious(path: Path) -> None:
    assert not Attempts(path).resumed(3, 10).careful


def test_e29_three_deaths_at_one_place_make_everything_suspicious_that_was_begun_there(path: Path) -> None:
    died(path, 10, 40, DEATHS_BEFORE_CARE - 1)
    assert not Attempts(path).resumed(3, 10).careful
    died(path, 10, 25)
    mark = Attempts(path).resumed(3, 10)
    assert mark.careful
    assert mark.suspect_until == 40
    assert not mark.by_event


def test_e29_deaths_at_different_places_are_progress(path: Path) -> None:
    for position in range(10, 10 + 3 * DEATHS_BEFORE_CARE):
        died(path, position, 40)
    assert not Attempts(path).resumed(3, 30).careful


def test_e29_partitions_are_apart(path: Path) -> None:
    died(path, 10, 40, DEATHS_BEFORE_CARE)
    assert not Attempts(path).resumed(4, 10).careful
    assert Attempts(path).resumed(3, 10).careful


def test_e29_who_left_between_takes_is_no_death(path: Path) -> None:
    for _ in range(2 * DEATHS_BEFORE_CARE):
        attempts = Attempts(path)
        attempts.resumed(3, 10)
        attempts.begin(3, 10, 40)
        attempts.rest()
    assert not Attempts(path).resumed(3, 10).careful


def test_e29_a_process_that_resumes_again_does_not_count_itself(path: Path) -> None:
    attempts = Attempts(path)
    for _ in range(2 * DEATHS_BEFORE_CARE):
        attempts.resumed(3, 10)
        attempts.begin(3, 10, 40)
    assert not attempts.resumed(3, 10).careful


def test_e29_care_lasts_until_all_that_was_suspicious_is_stored(path: Path) -> None:
    died(path, 10, 40, DEATHS_BEFORE_CARE)
    assert Attempts(path).resumed(3, 10).careful
    assert Attempts(path).resumed(3, 40).careful
    assert not Attempts(path).resumed(3, 41).careful


@pytest.mark.parametrize(("phase", "hopeless"), [(Phase.TAKING, True), (Phase.STORING, False)])
def test_e29_more_deaths_on_one_envelope_try_its_events_and_then_give_it_up_unless_storing_fails(
    path: Path, phase: Phase, *, hopeless: bool
) -> None:
    died(path, 10, 40, DEATHS_BEFORE_CARE)
    died(path, 10, 10, DEATHS_BEFORE_CARE)
    mark = Attempts(path).resumed(3, 10)
    assert mark.by_event
    assert not mark.hopeless
    died(path, 10, 10, DEATHS_BEFORE_CARE, phase)
    assert Attempts(path).resumed(3, 10).hopeless is hopeless


def test_e29_a_torn_or_empty_slot_is_no_mark(path: Path) -> None:
    died(path, 10, 40, DEATHS_BEFORE_CARE)
    whole = path.read_bytes()[3 * SLOT_BYTES :]
    assert Mark.decoded(whole).position == 10
    for slot in (b"", bytes(SLOT_BYTES), whole[:20], bytes([whole[0] ^ 1]) + whole[1:]):
        assert Mark.decoded(slot) == Mark()
