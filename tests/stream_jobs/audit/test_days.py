"""Which days an audit compares: every day has its turn, whatever the pauses between audits."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.audit.days import Last, LastAudit, TouchedSince, older_share, ranges
from warehouse.queries.reconcile.part import Cut

DAY = date(2026, 3, 1)


def day(number: int) -> date:
    return DAY + timedelta(days=number)


def test_older_days_take_turns_and_begin_again() -> None:
    known = [day(number) for number in range(5)]
    first = older_share(known, date.min, 3)
    second = older_share(known, first[-1], 3)
    third = older_share(known, second[-1], 3)
    assert (first, second, third) == ([day(0), day(1)], [day(2), day(3)], [day(4), day(0)])
    assert older_share([], date.min, 3) == []


@given(st.sets(st.integers(0, 400), min_size=1, max_size=60), st.integers(1, 168))
def test_after_a_round_of_audits_every_day_was_compared(numbers: set[int], audits: int) -> None:
    known = sorted(day(number) for number in numbers)
    until, compared = date.min, set[date]()
    for _ in range(audits):
        share = older_share(known, until, audits)
        compared |= set(share)
        until = share[-1]
    assert compared == set(known)


def test_neighbouring_days_are_compared_together() -> None:
    days = {day(number) for number in (0, 1, 2, 5, 9, 10)}
    assert list(ranges(days)) == [(day(0), day(2)), (day(5), day(5)), (day(9), day(10))]
    assert list(ranges([])) == []


def test_what_was_touched_is_asked_above_the_last_cut() -> None:
    question = TouchedSince(Cut({3: 70}))
    assert question.sql.endswith(f"WHERE grain = 'day' AND kind = 'touched' AND offset > {Cut.sql}")
    assert question.parameters == {"cut_partitions": [-1, 3], "cut_offsets": [-1, 70]}
    assert question.read([(DAY,), (day(2),)]) == {DAY, day(2)}


def test_the_first_audit_has_no_last_one() -> None:
    assert LastAudit().read([]) is None
    assert LastAudit().read([({3: 70}, DAY, day(2))]) == Last(Cut({3: 70}), DAY, day(2))
