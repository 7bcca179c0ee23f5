"""What changed in a closed period: causes always sum to the change, and what nobody knows is said."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from warehouse.periods.changes import NOTHING, Cause, Place, Sums, explained

DAY = date(2026, 3, 14)
GPT, OPUS = Place(DAY, "openai", "gpt-4o"), Place(DAY, "anthropic", "opus")


def sums(requests: int, cost: str = "0") -> Sums:
    return Sums(requests, requests * 10, Decimal(cost), Decimal(cost), Decimal(requests))


def test_nothing_changed() -> None:
    found = explained({GPT: sums(5, "1")}, {GPT: sums(5, "1")}, {}, [], erased=False)
    assert (found.changed, found.causes, found.closed, found.now) == ((), {}, sums(5, "1"), sums(5, "1"))


def test_each_cause_is_told_apart() -> None:
    found = explained(
        {GPT: sums(5, "1"), OPUS: sums(2, "7")},
        {GPT: sums(7, "2.5"), OPUS: sums(1, "3")},
        {GPT: sums(2, "0.5")},
        [(Cause.REPRICE, GPT, sums(0, "1")), (Cause.VOID, OPUS, -sums(1, "4"))],
        erased=False,
    )
    assert {line.place: dict(line.causes) for line in found.lines} == {
        GPT: {Cause.LATE: sums(2, "0.5"), Cause.REPRICE: sums(0, "1")},
        OPUS: {Cause.VOID: -sums(1, "4")},
    }
    assert list(found.causes) == [Cause.LATE, Cause.VOID, Cause.REPRICE]


def test_changes_that_cancel_each_other_are_changes() -> None:
    again = [(Cause.VOID, GPT, -sums(1, "4"))]
    found = explained({GPT: sums(5, "9")}, {GPT: sums(5, "9")}, {GPT: sums(1, "4")}, again, erased=False)
    assert (found.changed[0].change, found.now - found.closed) == (NOTHING, NOTHING)


def test_what_is_left_was_erased_or_is_not_known() -> None:
    closed, now = {GPT: sums(5, "9")}, {GPT: sums(4, "8")}
    assert explained(closed, now, {}, [], erased=True).causes == {Cause.ERASE: -sums(1, "1")}
    assert explained(closed, now, {}, [], erased=False).causes == {Cause.OTHER: -sums(1, "1")}


ANY = st.builds(
    Sums,
    st.integers(-9, 9),
    st.integers(-9, 9),
    *[st.decimals("-1e6", "1e6", places=9)] * 2,
    st.decimals("-9", "9", places=6),
)
USAGE = st.dictionaries(st.sampled_from([GPT, OPUS]), ANY)
CORRECTED = st.lists(st.tuples(st.sampled_from([Cause.VOID, Cause.REPRICE]), st.sampled_from([GPT, OPUS]), ANY))


@given(USAGE, USAGE, USAGE, CORRECTED)
def test_causes_sum_to_the_change(
    closed: dict[Place, Sums],
    now: dict[Place, Sums],
    late: dict[Place, Sums],
    corrected: list[tuple[Cause, Place, Sums]],
) -> None:
    found = explained(closed, now, late, corrected, erased=False)
    for line in found.lines:
        total = NOTHING
        for part in line.causes.values():
            total = total + part
        assert total == line.change
        assert all(line.causes.values())
    whole = NOTHING
    for part in found.causes.values():
        whole = whole + part
    assert whole == found.now - found.closed
