"""E30: running totals equal a count of the log itself, which goes on where it stopped."""

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.audit.counting import LogCounter
from tests.stream_jobs.audit.fake_log import FakeLog
from tests.warehouse.recorded import Event
from warehouse.queries.reconcile.difference import Difference
from warehouse.queries.reconcile.reconcile import Reconciler

pytestmark = pytest.mark.integration


def counted(client: Client, log: FakeLog) -> tuple[list[Difference], list[str]]:
    """What differs, and the notes."""
    counter = LogCounter(Reconciler(client), "usage.events", log, log)  # type: ignore[arg-type]
    return list(counter.compared().differences), counter.notes


def test_e30_totals_equal_a_count_of_the_log_and_only_what_is_new_is_read(usage: Client, recorded: list[Event]) -> None:
    log = FakeLog.of(recorded)
    assert counted(usage, log) == ([], [])
    everything = sorted((partition, offset) for partition, sizes in log.events.items() for offset in sizes)
    assert sorted(log.read) == everything
    assert counted(usage, log) == ([], [])
    assert sorted(log.read) == everything
    stored = usage.query(
        "SELECT src_partition, seen, accepted FROM log_counts FINAL ORDER BY src_partition"
    ).result_rows
    assert (
        stored
        == usage.query(
            "SELECT src_partition, seen, accepted FROM partition_progress FINAL ORDER BY src_partition"
        ).result_rows
    )


def test_e30_a_log_with_more_events_than_were_counted(usage: Client, recorded: list[Event]) -> None:
    log = FakeLog.of(recorded)
    log.events[2][1] += 3
    for _ in range(2):  # and again when nothing new is read
        ((wrong,), notes) = counted(usage, log)
        assert (wrong.check, wrong.partition, notes) == ("partition_progress = log", 1026, [])
        assert wrong.expected["seen"] - wrong.stored["seen"] == 3


def test_e30_events_that_were_counted_and_are_not_stored(usage: Client, recorded: list[Event]) -> None:
    usage.command("DELETE FROM event_id_log WHERE src_partition = 1029 AND src_offset = 1 AND src_index = 4")
    ((wrong,), _) = counted(usage, FakeLog.of(recorded))
    assert (wrong.partition, wrong.stored["accepted"] - wrong.expected["accepted"]) == (1029, 1)


def test_a_log_without_its_beginning_is_compared_by_what_is_added(usage: Client, recorded: list[Event]) -> None:
    log = FakeLog.of(recorded)
    log.start = 1
    found, notes = counted(usage, log)
    assert (found, log.read) == ([], [])
    assert all("the log begins at offset 1, what retention removed cannot be counted" in note for note in notes)
    assert len(notes) == 2
    log.events[2][len(log.events[2])] += 4
    usage.command(
        "INSERT INTO partition_progress SELECT * REPLACE (applied_offset + 1 AS applied_offset, seen + 3 AS seen) "
        "FROM partition_progress FINAL WHERE src_partition = 1026"
    )
    ((wrong,), notes) = counted(usage, log)
    assert (wrong.partition, wrong.expected["seen"] - wrong.stored["seen"], notes) == (1026, 1, [])
    assert wrong.period.startswith("since offset ")


def test_a_silent_kafka_is_a_note(usage: Client, recorded: list[Event]) -> None:
    log = FakeLog.of(recorded)
    log.answers = False
    found, (note,) = counted(usage, log)
    assert found == []
    assert note.startswith("running totals were not compared with the log")
