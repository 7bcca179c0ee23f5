"""Waiting is told with since when, counted, and ends when the other side answers."""

import pytest

from stream_jobs.worker import waits as module
from stream_jobs.worker.waits import Waits


class Clock:
    now = 1_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def test_the_first_failure_begins_a_wait_and_the_next_ones_prolong_it(clock: Clock) -> None:
    waits = Waits()
    waits.begin("kafka")
    clock.now += 5
    waits.begin("the warehouse")
    waits.begin("kafka")
    assert list(waits.now.items()) == [("kafka", 1_000.0), ("the warehouse", 1_005.0)]
    assert waits.seconds == {"kafka": 5.0, "the warehouse": 0.0}
    assert dict(waits.retries) == {"kafka": 2, "the warehouse": 1}


def test_an_answer_ends_it_and_its_length_is_kept(clock: Clock) -> None:
    waits = Waits()
    waits.end("kafka")
    for length in (7, 3):
        waits.begin("kafka")
        clock.now += length
        waits.end("kafka")
    assert waits.now == {}
    assert dict(waits.ended_seconds) == {"kafka": 10.0}
