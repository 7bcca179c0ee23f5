"""Which change counted the credits last."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from stream_jobs.explanation.history import CountedUnder, changed_at_birth, counted_under
from warehouse.queries.corrected import AwaitedChange, FormerVersion
from warehouse.queries.priced_calls import JobPrices

from .conftest import made

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def former(control_id: str, price_revision: int) -> FormerVersion:
    """Before the record it carried this revision."""
    zero = Decimal(0)
    return FormerVersion(control_id, "reprice", "", "", None, NOON, price_revision, zero, zero, zero, 0, 0, "", {})


def test_an_event_that_nothing_changed_counts_where_it_stands() -> None:
    assert counted_under(4, 1025, [], {}) == CountedUnder(4, None)


def test_a_reprice_that_leaves_credits_leaves_what_they_were_counted_by() -> None:
    jobs = {"a": [JobPrices(1025, 5, None)]}
    assert counted_under(5, 1025, [former("a", 4)], jobs) == CountedUnder(4, None)


def test_the_last_change_that_counted_them_holds() -> None:
    jobs = {"a": [JobPrices(1025, 5, 2)], "b": [JobPrices(1025, 6, 3)], "c": [JobPrices(1025, 7, None)]}
    versions = [former("a", 4), former("b", 5), former("amended", 6), former("c", 6)]
    assert counted_under(7, 1025, versions, jobs) == CountedUnder(6, 3)


def test_the_job_of_the_events_own_partition_counts() -> None:
    jobs = {"a": [JobPrices(1024, 5, 2), JobPrices(1025, 5, 3)]}
    assert counted_under(5, 1025, [former("a", 4)], jobs) == CountedUnder(5, 3)
    assert counted_under(5, 7, [former("a", 4)], jobs) == CountedUnder(5, 2), "of a former generation any"


def test_records_before_an_event_changed_it_when_it_came() -> None:
    event = replace(made().event, control_offset=3)
    said = AwaitedChange("acme", event.time, "id-1", "replace", "{}", event.offset, "ada", "")
    others = [
        *(replace(said, met=met) for met in (-1, -2, event.offset + 1)),
        replace(said, time=event.time + timedelta(seconds=1)),
        replace(said, organization="zen"),
        replace(said, refusal="too dear"),
    ]
    assert changed_at_birth(event, [], [said, *others]) == (said,)
    as_sent = former("later", 4)
    assert changed_at_birth(event, [as_sent], [said]) == (), "it kept what it was sent as"
    assert changed_at_birth(event, [replace(as_sent, version=2)], [said]) == (said,)
