"""Erasures on the real engine: which requests and notes they empty, what stays, and what the certificate counts."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client
from structlog.testing import capture_logs

from producers.control.record import ControlRecord
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.erasure.erasure import Erasure
from stream_jobs.erasure.removal import Removal
from stream_jobs.erasure.scope import Scope
from stream_jobs.jobs import planning
from stream_jobs.worker import app, sweeps
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.lived import (
    FIRST,
    LATER,
    SECOND,
    answer,
    bring_back,
    came_back,
    complete,
    key_of,
    live,
)
from tests.stream_jobs.worker.sent import BEGIN, Posted, Sent, Told
from tests.stream_jobs.worker.simulation import ERASURE_KEY, raised
from tests.warehouse.recorded import directory_rows
from warehouse.control import outbox
from warehouse.control.revisions import Revision
from warehouse.control.unpublished import Unpublished
from warehouse.errors import WarehouseRefused
from warehouse.queries.query import ask

pytestmark = pytest.mark.integration
HASH = "0" * 64
LONG_AGO = BEGIN - timedelta(days=9)
AMEND = Told("amend", {"events": [{**key_of(FIRST), "set": {"rating": 2}}]}, number=1)
VOID = Told("void", {"selection": {"model": "none"}}, number=2)
ERASE_USER = Told("erase", {"user_id": "u1"}, number=3)
ERASE_ALL = Told("erase", {}, number=3)
AFTERWARDS = Told("void", {"selection": {"user_id": "u1", "model": "none"}}, number=4)
NEVER = Told("replace", {"selection": {"user_id": "u1"}, "set": {"user_id": "u2"}}, number=5)
STRANDED = Told("void", {"selection": {"user_id": "u1"}}, number=6)
REPRICE = Told("reprice", {"prices": 1, "selection": {"user_id": "u1"}}, organization="", number=7)
HALF_OUT = Told("reprice", {"prices": 1, "selection": {"user_id": "u1"}}, organization="", number=8)


@pytest.fixture(autouse=True)
def prepared(warehouse: Client) -> Iterator[None]:
    directory_rows().insert(warehouse)
    with patch.object(app, "leave", raised), patch.object(sweeps, "LOOK_SECONDS", 0.0):
        yield


def asked_for(
    warehouse: Client, told: Told, note: str, partitions: Sequence[int] = (0,), published: Sequence[int] = (0,)
) -> None:
    """Stores a request as its publisher does; published: partitions that have it, at an offset before everything."""
    record = ControlRecord(told.control_id, told.kind, told.organization, told.body, "ada", note, LONG_AGO)
    outbox.store(warehouse, record, partitions)
    for number in published:
        outbox.note_published(warehouse, told.control_id, number, 0)


def due(warehouse: Client) -> None:
    """It is time for the second sweep."""
    warehouse.command("ALTER TABLE erasures UPDATE due = now64(3) - 1 WHERE 1 SETTINGS mutations_sync = 2")


def config_record(warehouse: Client, note: str) -> None:
    """A stored revision of acme's prices, and the record that named it."""
    revision = Revision("prices", "acme", 2, HASH, {})
    columns = ("kind", "organization", "revision", "content_hash", "note", "created")
    rows = [("prices", "", 1, HASH, "u1 is everyone's", LONG_AGO), ("prices", "acme", 2, HASH, note, LONG_AGO)]
    warehouse.insert("config_revisions", rows, column_names=columns)
    warehouse.insert(
        "prices",
        [("acme", 2, "maker", note, LONG_AGO), ("zen", 2, "maker", note, LONG_AGO)],
        column_names=("organization", "revision", "provider", "note", "created"),
    )
    record = ControlRecord(revision.control_id, "config", "acme", revision.body, "ada", note, LONG_AGO)
    outbox.store(warehouse, record, [0])
    outbox.note_published(warehouse, record.control_id, 0, 0)


def requests(warehouse: Client) -> dict[int, tuple[str, str]]:
    """Bodies and notes by the numbers of the records; 0 is the config record."""
    rows = answer(warehouse, "SELECT toString(control_id), body, note FROM control_records FINAL")
    numbers = {each.control_id: each.number for each in (AMEND, VOID, ERASE_ALL, AFTERWARDS, NEVER)}
    numbers |= {each.control_id: each.number for each in (STRANDED, REPRICE, HALF_OUT)}
    return {numbers.get(control_id, 0): (body, note) for control_id, body, note in rows}


def erased(warehouse: Client, sink: Sink, folder: Path, erase: Told) -> dict[int, tuple[str, str]]:
    """An erasure that was swept twice in the midst of other requests, and what is left of them."""
    config_record(warehouse, "a discount for u1")
    asked_for(warehouse, AMEND, "u10 was too friendly")
    asked_for(warehouse, VOID, "told by (u1), twice")
    asked_for(warehouse, erase, "request of Jane Doe")
    asked_for(warehouse, AFTERWARDS, "u1 is somebody new", published=())
    asked_for(warehouse, NEVER, "u1 again", published=())
    asked_for(warehouse, REPRICE, "u1 asked", partitions=(0, 1), published=(0, 1))
    asked_for(warehouse, HALF_OUT, "u1 asked once more", partitions=(0, 1), published=(0,))
    new = Posted((Sent(9, user="u1"),))
    posted: list[Posted | Told] = [Posted((FIRST, SECOND, LATER)), AMEND, VOID, erase, AFTERWARDS, new]
    live(sink, folder, posted)
    outbox.note_published(warehouse, AFTERWARDS.control_id, 0, 4)
    due(warehouse)
    live(sink, folder, posted)
    assert answer(warehouse, "SELECT toString(state) FROM erasures FINAL") in ([("swept",)], [("complete",)])
    return requests(warehouse)


def said(told: Told) -> str:
    return json.dumps(told.body, ensure_ascii=False, sort_keys=True)


def keeps_what_came_later(warehouse: Client, left: dict[int, tuple[str, str]]) -> None:
    """What the log got after the erasure, and what it has still to get."""
    assert left[AFTERWARDS.number] == (said(AFTERWARDS), "u1 is somebody new")
    assert answer(warehouse, "SELECT body FROM jobs FINAL WHERE src_offset = 4") == [(said(AFTERWARDS),)]
    assert left[NEVER.number] == (said(NEVER), "u1 again")
    assert left[HALF_OUT.number] == (said(HALF_OUT), "u1 asked once more")
    waiting = outbox.unpublished(warehouse, BEGIN + timedelta(days=999), 0)
    assert {each.record.control_id for each in waiting} == {NEVER.control_id, HALF_OUT.control_id}


def test_e24_what_names_an_erased_user_and_came_before_is_emptied_and_nothing_else(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    left = erased(warehouse, sink, tmp_path / "a", ERASE_USER)
    assert left[0] == (json.dumps(Revision("prices", "acme", 2, HASH, {}).body, sort_keys=True), "")
    assert left[AMEND.number] == ("", "u10 was too friendly"), "its body names an event of the user"
    assert left[VOID.number] == (said(VOID), "")
    assert left[ERASE_USER.number] == ("", ""), "its note may say who that is"
    assert left[REPRICE.number] == ("", ""), "every partition has it"
    keeps_what_came_later(warehouse, left)
    notes = "SELECT organization, note FROM {} ORDER BY organization"
    assert answer(warehouse, notes.format("prices")) == [("acme", ""), ("zen", "a discount for u1")]
    assert answer(warehouse, notes.format("config_revisions")) == [("", "u1 is everyone's"), ("acme", "")]
    assert "u1" not in str(answer(warehouse, "SELECT body, message FROM jobs FINAL WHERE src_offset <= 3"))


def test_e24_all_that_was_said_of_an_erased_organization_is_emptied_and_its_revisions_stay_published(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    left = erased(warehouse, sink, tmp_path / "a", ERASE_ALL)
    assert {number: left[number] for number in (1, 2, 3)} == dict.fromkeys((1, 2, 3), ("", ""))
    assert left[REPRICE.number] == (said(REPRICE), "u1 asked"), "it is about everyone"
    body, note = left[0]
    assert json.loads(body)["revision"] == 2
    assert note == ""
    assert ask(warehouse, Unpublished("prices")) == []
    keeps_what_came_later(warehouse, left)
    assert answer(warehouse, "SELECT note FROM prices ORDER BY organization") == [("",), ("a discount for u1",)]


def test_e24_a_request_of_a_former_generation_that_nobody_publishes_is_emptied(warehouse: Client, sink: Sink) -> None:
    asked_for(warehouse, STRANDED, "of u1", partitions=[3], published=())
    asked_for(warehouse, NEVER, "of u1", partitions=[1027], published=())
    scope = Scope(ERASE_USER.control_id, "acme", 1027, 50, whole=False)
    row = {"organization": "acme", "user_id": "u1", "whole": 0, "control_id": scope.control_id}
    sink.insert("erased_users", pl.DataFrame([row]))
    Erasure(sink, Tombstones(lambda: ERASURE_KEY)).empty_texts(scope, BEGIN)
    left = requests(warehouse)
    assert left == {STRANDED.number: ("", ""), NEVER.number: (said(NEVER), "of u1")}


def certificate(warehouse: Client) -> dict[str, Any]:
    return dict(json.loads(answer(warehouse, "SELECT certificate FROM erasures FINAL")[0][0]))


def test_e24_the_certificate_counts_the_rows_of_every_table(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    posted: list[Posted | Told] = [Posted((FIRST, SECOND, LATER)), AMEND, ERASE_USER]
    live(sink, tmp_path / "a", posted[:2])
    ids = f"IN ('{key_of(FIRST)['event_id']}', '{key_of(LATER)['event_id']}')"
    place = "src_partition, src_offset, src_index"
    conditions = dict.fromkeys(("usage_raw", "event_id_lookup", "corrections"), f"toString(event_id) {ids}")
    conditions["event_id_log"] = f"({place}) IN (SELECT {place} FROM usage_raw WHERE toString(event_id) {ids})"
    held = {
        table: answer(warehouse, f"SELECT count() FROM {table} WHERE {where}")[0][0]
        for table, where in conditions.items()
    }
    live(sink, tmp_path / "a", posted)
    removed = certificate(warehouse)["removed"]
    assert removed["events"] == 2
    assert all(0 < removed[table] <= rows for table, rows in held.items()), "merges may leave out old versions"
    assert removed["rollup"] > 0
    assert "swept" not in certificate(warehouse)
    due(warehouse)
    live(sink, tmp_path / "a", posted)
    again = certificate(warehouse)["removed"]
    assert again.pop("texts of jobs") >= 2
    assert again == removed | {"texts of control_records": 2}, "the erasure's own too"


def test_e24_what_a_later_sweep_removes_is_counted_and_completes_anew(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    posted = came_back(warehouse, sink, tmp_path / "a")
    before = certificate(warehouse)
    assert {"swept", "complete"} <= before.keys()
    back = answer(warehouse, "SELECT count() FROM late_usage_raw WHERE user_id = 'u1'")[0][0]
    bring_back(warehouse)
    with patch.object(Erasure, "complete", lambda *_: False):
        live(sink, tmp_path / "a", posted)
    told = certificate(warehouse)
    assert answer(warehouse, "SELECT toString(state) FROM erasures FINAL") == [("swept",)]
    assert "complete" not in told, "files that were replaced are left"
    assert told["removed"]["usage_raw"] == before["removed"]["usage_raw"] + back
    assert told["removed"]["events"] == before["removed"]["events"]
    complete(warehouse, sink, tmp_path / "a", posted)
    assert "complete" in certificate(warehouse)


@pytest.mark.parametrize("dies_before", [True, False])
def test_e24_a_deletion_that_is_repeated_after_a_crash_counts_once(
    warehouse: Client, sink: Sink, *, dies_before: bool
) -> None:
    scope = Scope(ERASE_USER.control_id, "acme", 0, 50, whole=False)
    mutate = Removal._mutate

    def dying(removal: Removal, table: str, change: str) -> None:
        if not dies_before:
            mutate(removal, table, change)
        raise KeyboardInterrupt

    def stored(rows: int) -> None:
        made = "INSERT INTO rejected (rejection_id, organization, time) SELECT toString(number), 'acme', now()"
        warehouse.command(f"{made} FROM numbers({rows})")

    stored(5)
    removal = Removal(sink, scope)
    with patch.object(Removal, "_mutate", dying), pytest.raises(KeyboardInterrupt):
        removal.delete("rejected", "organization = 'acme'")
    removal.delete("rejected", "organization = 'acme'")
    removal.close()
    assert removal.removed() == {"rejected": 5}
    stored(2)
    removal.delete("rejected", "organization = 'acme'")
    assert removal.removed() == {"rejected": 7}


def test_e24_what_the_warehouse_says_of_a_failed_job_names_nobody(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    def refused(*_: Any) -> str:
        raise WarehouseRefused("Code: 6. Cannot parse 'u1' in user_id = 'u1'")

    with patch.object(planning, "plan", refused), capture_logs() as lines:
        live(sink, tmp_path / "a", [Posted((FIRST,)), VOID])
    [(state, message)] = answer(warehouse, "SELECT toString(state), message FROM jobs FINAL")
    assert (state, message) == ("failed", "Code: 6. Cannot parse '…' in user_id = '…'")
    assert [line["reason"] for line in lines if line["event"] == "job failed"] == [message]


@pytest.mark.parametrize("late", ["kind = 'void'", "kind = 'erase'", "version > 1"])
@pytest.mark.parametrize("erase", [ERASE_USER, ERASE_ALL])
def test_e24_requests_that_a_frozen_process_writes_again_are_emptied_again(
    warehouse: Client, sink: Sink, tmp_path: Path, erase: Told, late: str
) -> None:
    """Rows of the erasure or of a request before it, which it read before it noticed that others have its partition."""
    named = Told("void", {"selection": {"user_id": "u1", "model": "none"}}, number=2)
    posted: list[Posted | Told] = [Posted((FIRST, SECOND)), named, erase]
    live(sink, tmp_path / "a", posted)
    warehouse.command("CREATE OR REPLACE TABLE late_jobs AS jobs")
    warehouse.command(f"INSERT INTO late_jobs SELECT * FROM jobs WHERE {late}")
    due(warehouse)
    complete(warehouse, sink, tmp_path / "a", posted)
    assert answer(warehouse, "SELECT body FROM jobs WHERE body != ''") == []
    warehouse.command("INSERT INTO jobs SELECT * FROM late_jobs")
    warehouse.command("DROP TABLE late_jobs")
    assert answer(warehouse, "SELECT count() > 0 FROM jobs WHERE body != ''") == [(1,)]
    live(sink, tmp_path / "a", posted)
    assert answer(warehouse, "SELECT body FROM jobs WHERE body != ''") == []
    assert answer(warehouse, "SELECT count() FROM erased_users") == [(0,)]
    complete(warehouse, sink, tmp_path / "a", posted)
