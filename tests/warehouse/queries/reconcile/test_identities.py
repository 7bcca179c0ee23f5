"""Who is counted: slices cover all of time once, sums are compared per partition, and running totals add up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from warehouse.queries.progress import PartitionProgress
from warehouse.queries.query import Query
from warehouse.queries.reconcile.identities import (
    ErasedEvents,
    IdentitiesOf,
    LoggedIdentities,
    Sums,
    compare_identities,
    running_totals,
    slices,
)

HOUR = datetime(2026, 3, 1, tzinfo=UTC)
TOLD = PartitionProgress("usage.events", 1026, 40, HOUR, 9, 5, 2, 1, 1)
SPANS = [(HOUR, HOUR + timedelta(hours=1)), (HOUR + timedelta(hours=1), HOUR + timedelta(hours=2))]


@given(st.lists(st.integers(1, 9), max_size=20), st.integers(1, 20))
def test_slices_follow_each_other_and_hold_no_more_than_they_may(numbers: list[int], most: int) -> None:
    hours = [(HOUR + timedelta(hours=place), number) for place, number in enumerate(numbers)]
    found = list(slices(hours, most))
    assert [until for _, until in found[:-1]] == [since for since, _ in found[1:]]
    held = [[number for start, number in hours if since <= start < until] for since, until in found]
    assert [number for slice_ in held for number in slice_] == numbers
    assert all(sum(slice_) <= most or len(slice_) == 1 for slice_ in held)


def compared(
    raw: Sums, lookup: Sums, logged: Sums, told: PartitionProgress = TOLD, erased: int = 0
) -> list[tuple[str, dict[str, int]]]:
    """What differs when each of two slices holds these sums; the asked statements are checked on the way."""
    tables = {"usage_raw": raw, "event_id_lookup": lookup}

    def ask(question: Query[dict[int, Sums]]) -> dict[int, Sums]:
        assert isinstance(question, IdentitiesOf)
        assert question.cut.applied == {1026: 40}
        return {1026: tables[question.table]}

    def log(question: LoggedIdentities) -> Sums:
        assert (question.partition, question.above, question.to) == (1026, -1, 40)
        return logged

    def gone(question: ErasedEvents) -> int:
        assert (question.partition, question.above, question.to) == (1026, -1, 40)
        return erased

    shares: list[float] = []
    found = compare_identities(ask, log, gone, [told], SPANS, shares.append)
    assert shares[-1] == 1.0
    assert found.differing == len(found.differences)
    return [(each.check, dict(each.stored)) for each in found.differences]


def test_equal_sums_are_no_difference() -> None:
    assert compared((3, 70), (3, 70), (6, 140), replace(TOLD, accepted=6, seen=10)) == []


def test_e16_erased_events_stay_in_the_running_totals() -> None:
    told = replace(TOLD, accepted=8, seen=12)
    assert compared((3, 70), (3, 70), (6, 140), told, erased=2) == []
    assert [check for check, _ in compared((3, 70), (3, 70), (6, 140), told)] == ["partition_progress = raw"]


def test_other_events_in_equal_number_are_found() -> None:
    right = replace(TOLD, accepted=6, seen=10)
    assert compared((3, 70), (3, 71), (6, 140), right) == [("event_id_lookup = raw", {"fingerprint": 71})] * 2
    assert compared((3, 70), (3, 70), (6, 141), right) == [("event_id_log = raw", {"fingerprint": 141})]


def test_totals_that_do_not_add_up() -> None:
    assert running_totals(TOLD, 5) == []
    (wrong,) = running_totals(TOLD, 4)
    assert (wrong.expected, wrong.stored) == ({"accepted": 4}, {"accepted": 5})
    (wrong,) = running_totals(replace(TOLD, misrouted=0), 5)
    assert (wrong.expected, wrong.stored) == ({"seen": 8}, {"seen": 9})
