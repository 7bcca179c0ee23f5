"""The wait ends when everything is applied, is patient while something moves, and gives up when nothing does."""

from collections.abc import Iterator

import pytest

from deploy.cli.visibility import Offsets, missing, wait_until_visible
from deploy.errors import ServiceFailed


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def wait(wanted: Offsets, states: Iterator[Offsets], patience_seconds: float = 1.0) -> list[int]:
    told: list[int] = []
    clock = Clock()
    wait_until_visible(
        wanted,
        lambda: next(states),
        on_progress=told.append,
        patience_seconds=patience_seconds,
        now=clock.now,
        sleep=clock.sleep,
    )
    return told


def test_missing_counts_positions_of_wanted_partitions_only() -> None:
    assert missing({0: 9, 3: 4}, {0: 7, 1: 0, 3: 9}) == 2
    assert missing({5: 0}, {}) == 1
    assert missing({}, {}) == 0


def test_it_returns_when_every_partition_is_there() -> None:
    assert wait({0: 1, 1: 1}, iter([{}, {0: 1}, {0: 5, 1: 0}, {0: 5, 1: 1}])) == [4, 2, 1, 0]


def test_the_deadline_moves_as_long_as_something_moves() -> None:
    slowly = ({0: offset // 4} for offset in range(10_000))
    assert wait({0: 1_000}, slowly)[-1] == 0


def test_when_nothing_moves_it_says_what_to_look_at() -> None:
    with pytest.raises(ServiceFailed, match=r"3 log positions are not counted yet: see \./tally status"):
        wait({0: 9}, iter([{0: 3}] + 1_000 * [{0: 6}]))
