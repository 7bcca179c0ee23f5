"""One word for how far a record is, in a partition and as a whole."""

import pytest

from warehouse.control.standing import Slices, Standing, State, overall, progress

UNPUBLISHED = Standing(1, "void")
PUBLISHED = Standing(1, "void", 7)
APPLIED = Standing(1, "void", 7, "applied")
PLANNED = Standing(1, "void", 7, "applied", job="planned", planned=3, slices=Slices(2, done=1, waiting=1, events=5))
PAUSED = Standing(1, "void", 7, "applied", job="planned", wanted="pause")
DONE = Standing(1, "void", 7, "applied", job="done", planned=2, slices=Slices(2, done=2, events=9))
FAILED = Standing(1, "void", 7, "applied", job="failed", message="too much")
CANCELLED = Standing(1, "void", 7, "applied", job="cancelled", wanted="cancel")
REFUSED = Standing(1, "void", 7, "refused", reason="not signed")
IN_FORCE = Standing(1, "config", 7, "applied")


@pytest.mark.parametrize(
    ("standing", "state"),
    [
        (UNPUBLISHED, "unpublished"),
        (PUBLISHED, "published"),
        (APPLIED, "applied"),
        (PLANNED, "working"),
        (Standing(1, "void", 7, "applied", job="asked"), "working"),
        (PAUSED, "paused"),
        (DONE, "done"),
        (FAILED, "failed"),
        (CANCELLED, "cancelled"),
        (REFUSED, "refused"),
        (IN_FORCE, "applied"),
    ],
)
def test_a_partition(standing: Standing, state: str) -> None:
    assert standing.state == state
    assert standing.is_finished == (state in ("done", "failed", "cancelled", "refused") or standing is IN_FORCE)


@pytest.mark.parametrize(
    ("standings", "state"),
    [
        ([DONE, UNPUBLISHED], "unpublished"),
        ([PUBLISHED, PUBLISHED], "published"),
        ([APPLIED, PUBLISHED], "published"),
        ([APPLIED], "applied"),
        ([APPLIED, DONE], "working"),
        ([REFUSED, PLANNED], "working"),
        ([PAUSED, DONE], "paused"),
        ([DONE, DONE], "done"),
        ([DONE, CANCELLED], "cancelled"),
        ([DONE, REFUSED, CANCELLED], "refused"),
        ([FAILED, REFUSED], "failed"),
        ([IN_FORCE, IN_FORCE], "applied"),
        ([IN_FORCE, Standing(2, "config", 3)], "published"),
        ([IN_FORCE, Standing(2, "config", 3, "refused")], "refused"),
    ],
)
def test_the_whole(standings: list[Standing], state: str) -> None:
    assert overall(standings) == State(state)


def test_slices_of_all_partitions_are_added() -> None:
    assert progress([PLANNED, DONE]) == {
        "total": 5,
        "done": 3,
        "failed": 0,
        "cancelled": 0,
        "waiting": 1,
        "events": 14,
    }
