"""Where counting the log begins, what cannot be proven is said, and totals are compared at one offset."""

from dataclasses import replace

import pytest

from warehouse.queries.reconcile.log_counts import Counted, LogCount, Plan, compare, plan

NEW = Counted(1026, "id-1", applied=90, seen=500, accepted=450, known=None)
KNOWN = replace(NEW, known=LogCount(60, 300, 280))


def planned(counted: Counted, log_start: int = 0) -> Plan:
    made = plan(counted, "id-1", log_start)
    assert isinstance(made, Plan)
    return made


def test_the_first_count_begins_at_the_start_of_the_log() -> None:
    made = planned(NEW)
    assert (made.first, made.last, made.base, made.note) == (0, 90, LogCount(), "")


def test_the_next_count_reads_only_what_is_new() -> None:
    made = planned(KNOWN, log_start=61)
    assert (made.first, made.last, made.note) == (61, 90, "")


@pytest.mark.parametrize(
    ("counted", "why"), [(NEW, "the log begins at offset 5"), (KNOWN, "it was counted up to 60 and now begins at")]
)
def test_what_retention_removed_before_it_was_counted_is_said(counted: Counted, why: str) -> None:
    made = planned(counted, log_start=5 if counted is NEW else 62)
    assert (made.first > made.last, made.base) == (True, LogCount(90, 500, 450, 91))
    assert why in made.note


def test_another_topic_cannot_be_compared() -> None:
    assert "its topic is gone" in str(plan(NEW, "id-2", 0))


def test_a_warehouse_that_was_set_back_is_waited_for() -> None:
    assert "counted up to 99 but only 90 is applied" in str(plan(replace(NEW, known=LogCount(99, 1, 1)), "id-1", 0))


def test_totals_are_compared_exactly() -> None:
    assert compare(KNOWN, LogCount(90, 500, 450), "usage.events") == []
    (wrong,) = compare(KNOWN, LogCount(90, 501, 450, 61), "usage.events")
    assert (wrong.check, wrong.partition, wrong.period) == ("partition_progress = log", 1026, "since offset 61")
    assert (wrong.expected, wrong.stored) == ({"seen": 501}, {"seen": 500})
