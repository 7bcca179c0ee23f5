"""An erasure is swept again only when what was refused before is stored: a late row would name who was erased."""

from typing import Any, cast

import pytest
from confluent_kafka import KafkaException

from stream_jobs.erasure.refusals import Bounds, Refusals
from stream_jobs.erasure.removal import Hand


class Stored:
    """The warehouse's word on how far refusals are stored."""

    def __init__(self, **offsets: int) -> None:
        self.offsets = {int(name[1:]): offset for name, offset in offsets.items()}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        assert "topic = 'usage.rejected'" in sql
        return list(self.offsets.items())


def refusals(stored: Stored, *bounds: dict[int, Bounds]) -> Refusals:
    answers = iter(bounds)

    def asked() -> dict[int, Bounds]:
        return next(answers)

    return Refusals(cast("Hand", stored), "usage.rejected", asked)


def test_it_waits_for_what_the_topic_had_and_not_for_what_comes_later() -> None:
    stored = Stored(p0=4, p1=9)
    found = refusals(stored, {0: Bounds(0, 5), 1: Bounds(2, 9)}, {0: Bounds(0, 50), 1: Bounds(2, 9)})
    assert not found.are_stored("one")
    assert not found.are_stored("one")
    stored.offsets[0] = 5
    assert found.are_stored("one")
    assert not found.are_stored("two"), "asked about later, when the topic has more"


@pytest.mark.parametrize(
    ("bounds", "are_stored"),
    [
        (Bounds(0, 0), True),
        (Bounds(7, 7), True),
        (Bounds(0, 1), False),
        (Bounds(7, 8), False),
    ],
)
def test_what_retention_has_removed_is_not_waited_for(bounds: Bounds, are_stored: bool) -> None:
    assert refusals(Stored(), {0: bounds}).are_stored("one") == are_stored
    assert refusals(Stored(p0=bounds.start - 1), {0: bounds}).are_stored("one") == are_stored


def test_a_broker_that_is_silent_is_asked_again() -> None:
    answers: list[Any] = [KafkaException("away"), {0: Bounds(0, 1)}]

    def asked() -> dict[int, Bounds]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return cast("dict[int, Bounds]", answer)

    found = Refusals(cast("Hand", Stored(p0=1)), "usage.rejected", asked)
    assert not found.are_stored("one")
    assert found.are_stored("one")
