"""Reconcile on the real engine: silent when everything agrees, and every kind of damage is found and named."""

import dataclasses
import re
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.recorded import PARTITIONS, Event, events, progress_rows, raw_rows, rollup_rows
from warehouse.families import ROLLUP
from warehouse.queries.progress import Progress, as_of
from warehouse.queries.query import ask
from warehouse.queries.reconcile import lasting
from warehouse.queries.reconcile.acknowledged import Acknowledgement
from warehouse.queries.reconcile.cures import cures
from warehouse.queries.reconcile.difference import Place
from warehouse.queries.reconcile.lasting import Lasting
from warehouse.queries.reconcile.reconcile import Reconciler, Report, Scope, reconcile

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes here, so nothing has to be waited for."""
    monkeypatch.setattr(lasting, "PAUSE_SECONDS", 0)


def compared(client: Client, rows_per_part: int = 100_000, **scope: object) -> Report:
    """Asked once: nothing changes here."""
    report = Report(as_of=as_of(ask(client, Progress())))
    wanted = dataclasses.replace(Scope(), **scope)  # type: ignore[arg-type]
    Reconciler(client, rows_per_part, lasting=Lasting(attempts=1)).compare(wanted, report)
    return report


def checks(report: Report) -> set[str]:
    return {found.check for found in report.differences}


def test_agreeing_tables_have_no_difference(usage: Client) -> None:
    report = compared(usage)
    assert (report.differing, report.differences) == (0, [])
    assert report.rows > 3000
    assert report.as_of is not None


def test_a_heavy_day_is_compared_in_shares(usage: Client) -> None:
    report = compared(usage, rows_per_part=60)
    assert report.differing == 0
    assert report.rows == compared(usage).rows


def test_one_organization_and_a_few_days(usage: Client) -> None:
    whole, some = compared(usage), compared(usage, organization="zen", first=date(2026, 3, 28), last=date(2026, 3, 30))
    assert some.differing == 0
    assert 0 < some.rows < whole.rows / 3


def test_a_row_with_another_cost(changeable: Client) -> None:
    changeable.command(
        "INSERT INTO rollup (* EXCEPT ver) "
        "SELECT * REPLACE (cost_nano_usd + 1 AS cost_nano_usd, epoch + 1 AS epoch) FROM rollup "
        "WHERE grain = 'quarter' ORDER BY organization, bucket, user_id LIMIT 1"
    )
    report = compared(changeable)
    assert checks(report) == {"rollup quarter = raw", "rollup hour = quarter"}
    wrong = next(found for found in report.differences if found.check == "rollup quarter = raw")
    assert list(wrong.expected) == ["cost_nano_usd"]
    assert wrong.stored["cost_nano_usd"] == wrong.expected["cost_nano_usd"] + 1


@pytest.mark.parametrize("table", ["rollup", "rollup_prompt", "rollup_category", "rollup_thread"])
def test_missing_rows_of_each_grain(changeable: Client, table: str) -> None:
    for grain, finer in (("week", "day"), ("day", "hour"), ("hour", "quarter")):
        changeable.command(f"DELETE FROM {table} WHERE grain = '{grain}' AND organization = 'zen'")
        assert checks(compared(changeable)) == {f"{table} {grain} = {finer}"}
    changeable.command(f"DELETE FROM {table} WHERE grain = 'quarter' AND organization = 'zen'")
    report = compared(changeable)
    assert checks(report) == {f"{table} quarter = raw"}
    assert {found.organization for found in report.differences} == {"zen"}


def test_a_row_without_raw_events(changeable: Client) -> None:
    changeable.command("DELETE FROM usage_raw WHERE organization = 'acme' AND user_id = 'u1'")
    report = compared(changeable)
    assert "rollup quarter = raw" in checks(report)
    assert "partition_progress = raw" in checks(report)
    assert all(
        set(found.expected.values()) == {0} for found in report.differences if found.check == "rollup quarter = raw"
    )


def test_an_event_counted_twice_is_no_difference_when_it_is_stored_twice(
    changeable: Client, recorded: list[Event]
) -> None:
    raw_rows(recorded[:50]).insert(changeable)
    assert compared(changeable).differing == 0


@pytest.mark.parametrize("grain", ["hour", "day", "week"])
def test_a_histogram_with_another_count(changeable: Client, grain: str) -> None:
    changeable.command(
        "INSERT INTO rollup_latency (* EXCEPT ver) "
        "SELECT * REPLACE (arrayMap(c -> c + 1, counts) AS counts, epoch + 1 AS epoch) FROM rollup_latency "
        f"WHERE grain = '{grain}' AND metric = 'output_tokens_per_1000_s' LIMIT 1"
    )
    report = compared(changeable)
    found = {"hour": {"hour = raw", "day = hour"}, "day": {"day = hour", "week = day"}, "week": {"week = day"}}[grain]
    assert checks(report) == {f"rollup_latency {check}" for check in found}
    assert report.differences[0].dimensions["metric"] == "output_tokens_per_1000_s"


def test_a_row_whose_offset_is_behind_its_events(changeable: Client) -> None:
    """Its sums are right, but a replay would count its newest event again."""
    changeable.command(
        "INSERT INTO rollup_thread (* EXCEPT ver) SELECT * REPLACE (offset - 1 AS offset, epoch + 1 AS epoch) "
        "FROM rollup_thread WHERE grain = 'quarter' AND offset > 0 LIMIT 1"
    )
    (wrong,) = compared(changeable).differences
    assert (wrong.check, wrong.expected["offset"] - wrong.stored["offset"]) == ("rollup_thread quarter = raw", 1)


@pytest.mark.parametrize(("grain", "finer"), [("hour", "quarter"), ("day", "hour"), ("week", "day")])
def test_a_derived_row_without_source_on_a_day_without_any(changeable: Client, grain: str, finer: str) -> None:
    shift = "toIntervalDay(70)"
    changeable.command(
        f"INSERT INTO rollup_prompt (* EXCEPT ver) SELECT * REPLACE (bucket - {shift} AS bucket, "
        f"hour - {shift} AS hour, day - 70 AS day, week - 70 AS week) FROM rollup_prompt "
        f"WHERE grain = '{grain}' AND organization = 'acme' AND prompt_id != '' LIMIT 1"
    )
    report = compared(changeable)
    assert f"rollup_prompt {grain} = {finer}" in checks(report)
    assert all(found.organization == "acme" for found in report.differences)
    assert len(report.places) in (1, 7, 8)


def test_a_derived_row_in_the_wrong_place(changeable: Client) -> None:
    changeable.command(
        "ALTER TABLE rollup UPDATE hour = hour + 3600 WHERE grain = 'week' AND organization = 'zen' "
        "SETTINGS mutations_sync = 2"
    )
    report = compared(changeable)
    assert checks(report) == {"rollup week = day"}
    assert {tuple(found.stored.items()) for found in report.differences} == {(("rows", 2),)}


def test_days_that_differ_are_named_for_repairs(changeable: Client) -> None:
    changeable.command(
        "DELETE FROM rollup_category WHERE grain = 'quarter' AND day = '2026-03-28' AND organization = 'zen'"
    )
    assert compared(changeable, first=date(2026, 3, 28), last=date(2026, 3, 28)).places == {
        Place(PARTITIONS["zen"], "zen", date(2026, 3, 28))
    }
    changeable.command("DELETE FROM rollup WHERE grain = 'week' AND week = '2026-03-23' AND organization = 'acme'")
    days = {place.day for place in compared(changeable, organization="acme").places}
    assert days == {date(2026, 3, 23) + timedelta(days=number) for number in range(7)}


def test_raw_rows_that_are_missing(changeable: Client) -> None:
    changeable.command("DELETE FROM usage_raw WHERE organization = 'zen' AND src_offset = 3")
    found = checks(compared(changeable))
    assert {"rollup quarter = raw", "partition_progress = raw", "event_id_log = raw", "event_id_lookup = raw"} <= found


def test_two_raw_rows_at_one_position(changeable: Client, recorded: list[Event]) -> None:
    raw_rows([recorded[0] | {"event_id": uuid4()}]).insert(changeable)
    wrong = next(found for found in compared(changeable).differences if found.check == "event_id_log = raw")
    assert wrong.expected["events"] == wrong.stored["events"] + 1
    assert (wrong.partition, wrong.period) == (recorded[0]["src_partition"], "since the log began")


def test_an_identity_that_deduplication_would_not_find(changeable: Client) -> None:
    changeable.command("DELETE FROM event_id_lookup WHERE organization = 'acme' AND src_offset = 2 AND src_index = 5")
    (wrong,) = compared(changeable).differences
    assert (wrong.check, wrong.expected["events"] - wrong.stored["events"]) == ("event_id_lookup = raw", 1)


def test_an_organization_in_two_partitions(changeable: Client, recorded: list[Event]) -> None:
    mine = next(event for event in recorded if event["organization"] == "zen")
    raw_rows([mine | {"event_id": uuid4(), "src_partition": PARTITIONS["acme"], "src_offset": 10**6}]).insert(
        changeable
    )
    (wrong,) = compared(changeable).differences
    assert (wrong.check, wrong.organization) == ("one partition per organization", "zen")
    assert (wrong.partition, wrong.period) == (PARTITIONS["acme"], f"home {PARTITIONS['zen']}")


def test_one_id_at_two_times_is_a_note(changeable: Client, recorded: list[Event]) -> None:
    event = recorded[0]
    raw_rows([event | {"time": event["time"] + timedelta(days=40), "src_offset": 10**6}]).insert(changeable)
    report = compared(changeable)
    assert report.differing == 0
    (note,) = report.notes
    assert note.startswith("1 event ids came with several times, further apart than copies are looked for")
    assert str(event["event_id"]) in note


@pytest.mark.parametrize(
    ("table", "check"), [("event_id_log", "event_id_log = raw"), ("event_id_lookup", "event_id_lookup = raw")]
)
def test_the_cure_that_is_told_heals(changeable: Client, table: str, check: str) -> None:
    changeable.command(f"ALTER TABLE {table} DELETE WHERE src_index = 0 SETTINGS mutations_sync = 1")
    report = compared(changeable)
    assert checks(report) == {check}
    (told,) = cures(report.differences)
    statement = re.search(r"INSERT INTO [^;]*", told)
    assert statement is not None
    changeable.command(statement.group())
    assert compared(changeable).differing == 0


def test_running_totals(changeable: Client) -> None:
    changeable.command(
        "INSERT INTO partition_progress SELECT * REPLACE (accepted + 1 AS accepted) FROM partition_progress LIMIT 1"
    )
    report = compared(changeable)
    assert checks(report) == {"partition_progress = raw"}
    assert list(report.differences[0].expected) == ["accepted", "seen"]


def later(recorded: Sequence[Event], number: int) -> list[Event]:
    """Events that came after all recorded ones, in envelopes of their own."""
    top = max(event["src_offset"] for event in recorded)
    return [event | {"src_offset": top + 1 + event["src_offset"]} for event in events(number, seed=8)]


def test_events_on_their_way_are_no_difference(changeable: Client, recorded: list[Event]) -> None:
    raw_rows(later(recorded, 40)).insert(changeable)
    assert compared(changeable).differing == 0


def test_applied_events_without_a_row_are_missing(changeable: Client, recorded: list[Event]) -> None:
    more = later(recorded, 40)
    raw_rows(more).insert(changeable)
    progress_rows([*recorded, *more]).insert(changeable)
    report = compared(changeable)
    assert "rollup quarter = raw" in checks(report)
    assert "partition_progress = raw" not in checks(report)


def test_a_row_ahead_of_progress_is_compared_at_its_own_cut(changeable: Client, recorded: list[Event]) -> None:
    alone = {"user_id": "ahead", "prompt_id": "", "category": "", "thread_id": ""}
    counted = recorded[0] | alone | {"event_id": uuid4(), "src_offset": 1000}
    behind = counted | {"event_id": uuid4(), "src_offset": 1001}
    raw_rows([counted, behind]).insert(changeable)
    rollup_rows([counted], ROLLUP, "quarter").insert(changeable)
    touch(changeable, counted["organization"])
    assert compared(changeable).differing == 0
    rollup_rows([counted | {"cost_nano_usd": 1, "src_offset": 1001}], ROLLUP, "quarter").insert(changeable)
    wrong = compared(changeable).differences[0]
    assert (wrong.expected["requests"], wrong.stored["requests"]) == (2, 1)


def touch(client: Client, organization: str) -> None:
    """Marks all days and weeks of an organisation as changed since they were derived."""
    for grain in ("day", "week"):
        client.command(
            "INSERT INTO touched_periods "
            f"SELECT DISTINCT src_partition, organization, '{grain}', {grain}, 'touched', 5 "
            f"FROM rollup WHERE grain = 'quarter' AND organization = '{organization}'"
        )


def test_pending_days_are_not_compared_with_derived_rows(changeable: Client) -> None:
    changeable.command("DELETE FROM rollup WHERE grain IN ('hour', 'day') AND organization = 'acme'")
    assert compared(changeable).differing > 0
    touch(changeable, "acme")
    assert compared(changeable).differing == 0


def test_acknowledged_events(usage: Client, recorded: list[Event]) -> None:
    sent = [acknowledgement(event) for event in recorded]
    copy_later = dataclasses.replace(sent[0], offset=sent[0].offset + 1)
    report = reconcile(usage, acknowledged=[*sent, copy_later])
    assert (report.differing, report.waiting) == (0, 0)


def test_an_acknowledged_event_that_is_not_counted(usage: Client, recorded: list[Event]) -> None:
    here = acknowledgement(recorded[0])
    lost = dataclasses.replace(here, event_id=uuid4())
    elsewhere = dataclasses.replace(here, organization="zen")
    waiting = dataclasses.replace(here, event_id=uuid4(), offset=10**6)
    report = reconcile(usage, acknowledged=[here, lost, elsewhere, waiting])
    assert {found.dimensions["event_id"] for found in report.differences} == {str(lost.event_id), str(here.event_id)}
    assert (report.differing, report.waiting) == (2, 1)


def acknowledgement(event: Event) -> Acknowledgement:
    partition = event["src_partition"] % 1024
    return Acknowledgement(event["organization"], event["event_id"], partition, event["src_offset"])
