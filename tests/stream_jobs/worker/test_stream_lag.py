"""How far the stream is behind, seen without a clock of the log."""

from stream_jobs.worker.stream_lag import (
    BEHIND_SECONDS,
    BEHIND_SHARE,
    LONGEST_REST_SECONDS,
    MOST,
    REST_SHARE,
    StreamLag,
)


def test_what_waits_has_waited_since_it_was_first_seen() -> None:
    lag = StreamLag()
    lag.see(10.0, 1, 100, 5)
    assert lag.seconds(10.0) == 0.0
    lag.see(11.0, 1, 103, 4)
    assert lag.seconds(11.5) == 1.5
    lag.see(12.0, 1, 105, 2)
    assert lag.seconds(12.0) == 1.0
    lag.see(13.0, 1, 107, 0)
    assert (lag.seconds(20.0), lag.waiting) == (0.0, 0)


def test_envelopes_that_come_all_the_time_are_not_behind() -> None:
    lag = StreamLag()
    for tick in range(2000):
        lag.see(tick * 0.05, 1, tick * 10, 5)
        assert lag.seconds(tick * 0.05) <= 0.25
    assert lag.rest_seconds(1.0, 2000 * 0.05) == REST_SHARE


def test_a_stream_that_does_not_catch_up_is_behind() -> None:
    lag = StreamLag()
    for tick in range(2000):
        lag.see(tick * 0.05, 1, tick * 10, 1000)
    assert 4.5 <= lag.seconds(2000 * 0.05) <= 5.5
    assert lag.rest_seconds(1.0, 2000 * 0.05) == BEHIND_SHARE
    assert lag.rest_seconds(60.0, 2000 * 0.05) == LONGEST_REST_SECONDS


def test_one_that_stands_still_is_behind_however_long_it_does() -> None:
    lag = StreamLag()
    for tick in range(10 * MOST):
        lag.see(float(tick), 1, 7, tick + 1)
    assert lag.seconds(10.0 * MOST) >= MOST
    assert lag.seconds(10.0 * MOST) > BEHIND_SECONDS


def test_other_partitions_have_a_log_of_their_own() -> None:
    lag = StreamLag()
    lag.see(0.0, 1, 100, 5)
    lag.see(9.0, 2, 1000, 5)
    assert lag.seconds(9.5) == 0.5
    lag.see(19.0, 2, 10, 5)
    assert lag.seconds(19.5) == 0.5


def test_nothing_rests_for_nobody() -> None:
    lag = StreamLag()
    assert lag.rest_seconds(5.0, 100.0) == 0.0
    lag.see(0.0, 1, 100, 0)
    assert lag.rest_seconds(5.0, 100.0) == 0.0
