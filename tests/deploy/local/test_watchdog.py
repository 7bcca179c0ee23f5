"""The watchdog's rule: a process is ended when its heartbeat has not moved for the patience."""

from deploy.local.watchdog import LOOK_EVERY_SECONDS, PATIENCE_SECONDS, Stillness, Watched
from stream_jobs.worker.app import BEAT_SECONDS
from stream_jobs.worker.liveness import STATEMENT_SECONDS
from stream_jobs.worker.outlook import ANSWER_SECONDS, LOOK_SECONDS


def test_a_moving_worker_is_left_alone() -> None:
    stillness = Stillness(patience_seconds=60)
    verdicts = [stillness.is_stuck("worker-0", 7, str(second), now=float(second)) for second in range(0, 600, 50)]
    assert not any(verdicts)


def test_a_still_worker_is_stuck_after_the_patience() -> None:
    stillness = Stillness(patience_seconds=60)
    assert not stillness.is_stuck("worker-0", 7, "41", now=0)
    assert not stillness.is_stuck("worker-0", 7, "41", now=60)
    assert stillness.is_stuck("worker-0", 7, "41", now=61)


def test_a_new_process_starts_from_zero_though_its_file_is_the_old_one() -> None:
    stillness = Stillness(patience_seconds=60)
    assert not stillness.is_stuck("worker-0", 7, "41", now=0)
    assert not stillness.is_stuck("worker-0", 8, "41", now=100)
    assert stillness.is_stuck("worker-0", 8, "41", now=161)


def test_a_worker_that_never_wrote_is_stuck_too() -> None:
    stillness = Stillness(patience_seconds=60)
    assert not stillness.is_stuck("worker-0", 7, "", now=0)
    assert stillness.is_stuck("worker-0", 7, "", now=61)


def test_e28_the_patience_leaves_half_a_minute_to_start_a_successor() -> None:
    assert PATIENCE_SECONDS + LOOK_EVERY_SECONDS + BEAT_SECONDS <= 35
    assert PATIENCE_SECONDS > LOOK_SECONDS + 3 * ANSWER_SECONDS, "an outage must be noticed before the patience ends"
    assert PATIENCE_SECONDS > STATEMENT_SECONDS


def test_workers_are_told_apart() -> None:
    stillness = Stillness(patience_seconds=60)
    stillness.is_stuck("worker-0", 7, "1", now=0)
    assert not stillness.is_stuck("worker-1", 9, "1", now=61)


def test_e28_a_process_that_starts_on_a_busy_machine_has_more_time() -> None:
    stillness = Stillness(patience_seconds=30, start_seconds=180)
    assert not stillness.is_stuck("worker-0", 7, "", now=0, serves=False)
    assert not stillness.is_stuck("worker-0", 7, "", now=179, serves=False)
    assert stillness.is_stuck("worker-0", 7, "", now=181, serves=False)


def test_e28_what_the_watchdog_slept_through_counts_for_nobody() -> None:
    watched = Watched(longest_step_seconds=4)
    assert [watched.at(now) for now in (1_000, 1_002, 1_004, 1_900, 1_902)] == [0, 2, 4, 8, 10]
