"""Where an event is, asked of the real engine: its row, the rollup rows it belongs to, its periods, its refusals."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.recorded import CALENDARS, Event
from warehouse.families import FAMILIES
from warehouse.queries.partitions import LateEvents, PartitionStates, of_newest_generation
from warehouse.queries.query import ask
from warehouse.queries.traced import CountedEvents, Derivations, Refusals, RollupRows

pytestmark = pytest.mark.integration


@pytest.fixture
def event(recorded: list[Event]) -> Event:
    """One that belongs to every family."""
    return next(e for e in recorded if e["prompt_id"] and e["category"] and e["thread_id"])


def test_a_counted_event_and_the_rows_of_every_family_and_grain(usage: Client, event: Event) -> None:
    (counted,) = ask(usage, CountedEvents(event["event_id"], str(event["event_id"])))
    assert (counted.organization, counted.time, counted.late) == (
        event["organization"],
        event["time"],
        bool(event["late"]),
    )
    assert (counted.partition, counted.offset, counted.index) == (
        event["src_partition"],
        event["src_offset"],
        event["src_index"],
    )
    assert counted.cost_usd == Decimal(event["cost_nano_usd"]) / 10**9
    assert {name: counted.dimensions[name] for name in ("user_id", "prompt_id", "model")} == {
        name: event[name] for name in ("user_id", "prompt_id", "model")
    }
    place = CALENDARS[event["organization"]].place(int(event["time"].timestamp()) // 900 * 900)
    for family in FAMILIES:
        rows = ask(usage, RollupRows(counted, family))
        found = {row.grain: row for row in rows}
        assert "quarter" in found
        assert all(row.offset >= counted.offset and row.requests >= 1 for row in rows)
        assert found["quarter"].bucket.timestamp() == int(event["time"].timestamp()) // 900 * 900
        if "hour" in found:
            assert found["hour"].bucket == datetime.fromtimestamp(place.hour, UTC)


def test_nothing_is_found_for_another_organization_or_an_unknown_key(usage: Client, event: Event) -> None:
    assert ask(usage, CountedEvents(event["event_id"], "", "nobody")) == []
    assert ask(usage, CountedEvents(None, "call-1")) == []


def test_periods_and_refusals_and_progress(changeable: Client, event: Event) -> None:
    (counted,) = ask(changeable, CountedEvents(event["event_id"], ""))
    changeable.command("TRUNCATE TABLE touched_periods")
    rows = [
        [counted.partition, counted.organization, "day", counted.day, kind, offset]
        for kind, offset in (("touched", 40), ("done", 30))
    ]
    names = ["src_partition", "organization", "grain", "date", "kind", "offset"]
    changeable.insert("touched_periods", rows, column_names=names)
    (day,) = ask(changeable, Derivations(counted))
    assert (day.grain, day.date, day.touched, day.done) == ("day", counted.day, 40, 30)

    changeable.command(
        "INSERT INTO rejected (rejection_id, time, source, event_id, reason, src_partition, src_offset, src_index) "
        "VALUES ('1', now(), 'worker', 'call-1', 'why', 3, 41, 0), ('2', now(), 'worker', '', 'all', 3, 42, NULL), "
        "('3', now(), 'worker', '', 'a sibling', 3, 43, 5)"
    )
    assert [r.rejection_id for r in ask(changeable, Refusals(["call-1"]))] == ["1"]
    assert [r.rejection_id for r in ask(changeable, Refusals(["call-1"], [(3, 42, 7)]))] == ["1", "2"]
    assert [r.rejection_id for r in ask(changeable, Refusals(["none"], [(3, 43, 4)]))] == []
    assert [r.rejection_id for r in ask(changeable, Refusals(["none"], [(3, 43, 5)]))] == ["3"]

    changeable.command("TRUNCATE TABLE partition_progress")
    for number, offset in ((3, 9), (1027, 4), (1028, 5)):
        changeable.command(
            "INSERT INTO partition_progress (topic, src_partition, applied_offset, applied_time, seen, worker) "
            f"VALUES ('t', {number}, {offset}, now64(3), 7, 'worker-1')"
        )
    states = of_newest_generation(ask(changeable, PartitionStates("t")))
    assert {number: (state.applied_offset, state.worker) for number, state in states.items()} == {
        3: (4, "worker-1"),
        4: (5, "worker-1"),
    }


def test_late_events_by_partition(changeable: Client) -> None:
    changeable.command("TRUNCATE TABLE event_id_log")
    for number, (minutes, since) in enumerate(((10, 0), (20, 0), (60, 0), (120, 0), (600, 30))):
        changeable.command(
            "INSERT INTO event_id_log "
            "(src_partition, src_offset, src_index, organization, event_id, time, append_time) "
            f"SELECT 5, {number}, 0, 'acme', generateUUIDv4(), moment - toIntervalMinute({minutes}), moment "
            f"FROM (SELECT toStartOfSecond(now64(3)) - toIntervalHour({since}) AS moment)"
        )
    (late,) = ask(changeable, LateEvents())
    assert (late.partition, late.events, late.median_seconds, late.longest_seconds) == (5, 3, 3600.0, 7200.0)
