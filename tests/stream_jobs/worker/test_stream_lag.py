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
    lag.see(10.0, 1, {0: 100}, {0: 5})
    assert lag.seconds(10.0) == 0.0
    lag.see(11.0, 1, {0: 103}, {0: 4})
    assert lag.seconds(11.5) == 1.5
    lag.see(12.0, 1, {0: 105}, {0: 2})
    assert lag.seconds(12.0) == 1.0
    lag.see(13.0, 1, {0: 107}, {0: 0})
    assert (lag.seconds(20.0), lag.waiting) == (0.0, 0)


def test_envelopes_that_come_all_the_time_are_not_behind() -> None:
    lag = StreamLag()
    for tick in range(2000):
        lag.see(tick * 0.05, 1, {0: tick * 10}, {0: 5})
        assert lag.seconds(tick * 0.05) <= 0.25
    assert lag.rest_seconds(1.0, 2000 * 0.05) == REST_SHARE


def test_a_stream_that_does_not_catch_up_is_behind() -> None:
    lag = StreamLag()
    for tick in range(2000):
        lag.see(tick * 0.05, 1, {0: tick * 10}, {0: 1000})
    assert 4.5 <= lag.seconds(2000 * 0.05) <= 5.5
    assert lag.rest_seconds(1.0, 2000 * 0.05) == BEHIND_SHARE
    assert lag.rest_seconds(60.0, 2000 * 0.05) == LONGEST_REST_SECONDS


def test_one_that_stands_still_is_behind_however_long_it_does() -> None:
    lag = StreamLag()
    for tick in range(10 * MOST):
        lag.see(float(tick), 1, {0: 7}, {0: tick + 1})
    assert lag.seconds(10.0 * MOST) >= MOST
    assert lag.seconds(10.0 * MOST) > BEHIND_SECONDS


def test_other_partitions_have_a_log_of_their_own() -> None:
    lag = StreamLag()
    lag.see(0.0, 1, {0: 100}, {0: 5})
    lag.see(9.0, 2, {0: 1000}, {0: 5})
    assert lag.seconds(9.5) == 0.5
    lag.see(19.0, 2, {0: 10}, {0: 5})
    assert lag.seconds(19.5) == 0.5


def test_nothing_rests_for_nobody() -> None:
    lag = StreamLag()
    assert lag.rest_seconds(5.0, 100.0) == 0.0
    lag.see(0.0, 1, {0: 100}, {0: 0})
    assert lag.rest_seconds(5.0, 100.0) == 0.0


def test_an_end_that_is_reached_otherwise_is_forgotten() -> None:
    """Who has not been told the log's end counts one envelope; it may turn out that there was none."""
    lag = StreamLag()
    lag.see(0.0, 1, {0: 100}, {0: 12})
    lag.see(1.0, 1, {0: 100}, {0: 0})
    assert lag.seconds(9.0) == 0.0
    lag.see(600.0, 1, {0: 100}, {0: 1})
    assert lag.seconds(600.0) == 0.0
    lag.see(0.0, 2, {0: 100}, {0: 12})
    lag.see(9.0, 2, {0: 100}, {0: 3})
    assert lag.seconds(9.0) == 0.0


def test_one_partition_that_stands_still_is_behind_whatever_the_others_do() -> None:
    lag = StreamLag()
    for tick in range(1200):
        lag.see(tick * 0.05, 1, {0: 7, 1: tick * 10}, {0: 1, 1: 5})
    assert lag.seconds(60.0) == 60.0
    lag.see(61.0, 1, {0: 8, 1: 12_000}, {0: 0, 1: 5})
    assert lag.seconds(61.0) <= 2.0
    lag.see(62.0, 1, {1: 12_100}, {1: 0})
    assert lag.seconds(62.0) == 0.0
