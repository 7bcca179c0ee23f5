"""Differences that a flush in between explains vanish when they are asked for again; real ones stay."""

from datetime import date
from itertools import chain, repeat

import pytest

from warehouse.queries.reconcile.difference import Comparison, Difference, Place
from warehouse.queries.reconcile.lasting import ATTEMPTS, Lasting

AGREES = Comparison(9, 0)
PLACES = frozenset({Place(1026, "acme", date(2026, 3, 1))})


def off(by: int, *, stored: int = 100, bucket: str = "10:00") -> Comparison:
    """One row that is off."""
    found = Difference(
        "rollup quarter = raw", "acme", 1026, bucket, {}, {"requests": stored - by}, {"requests": stored}
    )
    return Comparison(9, 1, (found,), PLACES)


def asked(*answers: Comparison) -> tuple[Comparison, int]:
    """What lasts of these answers, the last one for ever; and the number of pauses."""
    following = chain(answers, repeat(answers[-1]))
    pauses: list[float] = []
    return Lasting(pause=pauses.append).of(lambda: next(following)), len(pauses)


def test_agreement_is_asked_for_once() -> None:
    assert asked(AGREES) == (AGREES, 0)


def test_a_passing_difference_is_forgotten() -> None:
    assert asked(off(1), off(2), AGREES) == (AGREES, 2)


def test_a_lasting_difference_is_reported_while_both_sides_grow() -> None:
    found, pauses = asked(off(1), off(1, stored=105), off(1, stored=109))
    assert (found, pauses) == (off(1, stored=109), 2)


def test_a_row_that_is_off_by_other_numbers_each_time_is_only_busy() -> None:
    found, pauses = asked(*(off(number) for number in range(1, ATTEMPTS + 1)))
    assert (found, pauses) == (Comparison(9, 0), ATTEMPTS - 1)


def test_another_row_each_time_is_only_busy() -> None:
    found, _ = asked(*(off(1, bucket=f"10:{number:02}") for number in range(ATTEMPTS)))
    assert (found.differing, found.places) == (0, frozenset())


@pytest.mark.parametrize("more", [1, 1000])
def test_more_than_can_be_shown_is_never_taken_for_busy(more: int) -> None:
    many = (Comparison(9, 1 + more, off(number).differences, PLACES) for number in range(1, ATTEMPTS + 1))
    assert asked(*many)[0].differing == 1 + more
