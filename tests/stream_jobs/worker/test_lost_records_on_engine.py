"""Requests that a restored warehouse lacks, on the real engine: the log brings back what people and the API ask for."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from clickhouse_connect.driver.client import Client

from api.control import asked
from api.errors import Conflict
from producers.control.record import ControlRecord
from stream_jobs.control.publisher import Published, Publisher
from stream_jobs.control.settings import ControlSettings
from stream_jobs.worker import app, statements, sweeps
from stream_jobs.worker.lost_records import Known, missing_rows
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.take import Envelope
from tests.stream_jobs.worker.lived import FIRST, LATER, SECOND, answer, key_of, live
from tests.stream_jobs.worker.sent import BEGIN, Posted, Told
from tests.stream_jobs.worker.simulation import raised
from tests.warehouse.recorded import directory_rows
from warehouse.control import orders, outbox
from warehouse.control.following import followed, newest
from warehouse.control.orders import Order
from warehouse.control.records import Records
from warehouse.control.standing import State
from warehouse.errors import NoSuchRecord, OrderRefused
from warehouse.queries.query import utc

pytestmark = pytest.mark.integration
VOID = Told("void", {"events": [key_of(FIRST)]}, number=1)
ERASE = Told("erase", {"user_id": "u1"}, number=2)
SOME_DAY = BEGIN + timedelta(days=999)


@pytest.fixture(autouse=True)
def prepared(warehouse: Client) -> Iterator[None]:
    directory_rows().insert(warehouse)
    with patch.object(app, "leave", raised), patch.object(sweeps, "LOOK_SECONDS", 0.0):
        yield


def test_a_request_that_only_the_log_has_is_shown_and_keeps_its_id(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    with pytest.raises(NoSuchRecord):
        followed(warehouse, VOID.control_id)
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), VOID])
    found = followed(warehouse, VOID.control_id)
    assert (found.state, found.asked.body) == (State.DONE, VOID.body)
    assert (found.asked.author, found.asked.note, found.asked.created) == ("ada", "a test", BEGIN)
    assert [each.asked.control_id for each in newest(warehouse, Records())] == [VOID.control_id]
    assert answer(warehouse, "SELECT author, note FROM corrections_log") == [("ada", "a test")]
    assert outbox.unpublished(warehouse, SOME_DAY, 0) == [], "nobody publishes it again"
    with pytest.raises(OrderRefused):
        orders.give(warehouse, VOID.control_id, Order.PAUSE, "bob")
    publisher = Publisher(ControlSettings(), warehouse)
    same = ControlRecord(VOID.control_id, "void", "acme", VOID.body, "bob", "", datetime.now(UTC))
    assert asked(publisher, same).places == {0: 1}
    other = ControlRecord(VOID.control_id, "void", "acme", {"events": [key_of(SECOND)]}, "bob", "", datetime.now(UTC))
    with pytest.raises(Conflict, match="was used for another request"):
        asked(publisher, other)


def test_e24_an_erasure_that_only_the_log_has_leaves_its_certificate_and_no_name(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    posted: list[Posted | Told] = [Posted((FIRST, SECOND, LATER)), VOID, ERASE]
    live(sink, tmp_path / "a", posted)
    assert followed(warehouse, ERASE.control_id).standings[0].certificate is not None
    warehouse.command("ALTER TABLE erasures UPDATE due = now64(3) - 1 WHERE 1 SETTINGS mutations_sync = 2")
    live(sink, tmp_path / "a", posted)
    found = followed(warehouse, ERASE.control_id)
    assert found.standings[0].certificate is not None
    assert found.standings[0].certificate["removed"]["texts of control_records"] == 2
    assert (found.asked.author, found.asked.body, found.asked.note) == ("ada", None, "")
    assert followed(warehouse, VOID.control_id).asked.body is None
    texts = "SELECT body, note FROM control_records UNION ALL SELECT body, message FROM jobs"
    assert "u1" not in str(answer(warehouse, texts))

    def again(told: Told = ERASE, organization: str = "acme") -> Published:
        record = ControlRecord(ERASE.control_id, told.kind, organization, told.body, "bob", "", BEGIN)
        return asked(Publisher(ControlSettings(), warehouse), record)

    assert again().places == {0: 2}, "what it said is gone, and nothing is published once more"
    for other in ((VOID, "acme"), (ERASE, "zen")):
        with pytest.raises(Conflict, match="was used for another request"):
            again(*other)


def test_a_request_about_everyone_is_published_where_the_log_lacks_it(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    body = {"first": "2026-03-28", "last": "2026-03-28"}
    here, there = (Told("repair", body, organization="", partition=number) for number in (0, 1))
    live(sink, tmp_path / "a", [Posted((FIRST,)), here])
    [left] = outbox.unpublished(warehouse, SOME_DAY, 0)
    assert (left.record.control_id, left.record.content, left.partitions) == (here.control_id, body, (1,))
    live(sink, tmp_path / "a", [Posted((FIRST,)), here, there])
    assert outbox.unpublished(warehouse, SOME_DAY, 0) == []
    places = {each.src_partition: each.offset for each in followed(warehouse, here.control_id).standings}
    assert places == {0: 1, 1: 0}
    assert answer(warehouse, "SELECT count() FROM control_records") == [(1,)], "the second partition found it"


@pytest.mark.parametrize("year", [1, 1969, 2026, 9999])
def test_the_rows_are_those_of_the_publisher(warehouse: Client, sink: Sink, year: int) -> None:
    """Whenever its asker's clock was."""
    created = datetime(year, 3, 1, 12, 30, 0, 250_000, UTC)
    record = ControlRecord(VOID.control_id, "repair", "", {"é": ["\x00", 1.5]}, "ada", "ü", created)
    envelope = Envelope(1025, 7, 0, None, b"")
    before = sink.rows(statements.known_control(1025, record.control_id, 7))
    for table, frame in missing_rows(record, envelope, Known(), range(1024, 1027)):
        sink.insert(table, frame)
    assert [list(map(bool, row)) for row in before] == [[False, False, False]]
    assert sink.rows(statements.known_control(1025, record.control_id, 7)) == [(0, 1, 1)]
    assert sink.rows(statements.known_control(1024, record.control_id, 7)) == [(0, 1, 0)]
    [row] = answer(
        warehouse,
        "SELECT toString(control_id), kind, organization, author, note, partitions, body FROM control_records",
    )
    assert row[:6] == (record.control_id, "repair", "", "ada", "ü", [1024, 1025, 1026])
    assert json.loads(row[6]) == record.content
    if 1900 < year < 2299:
        assert utc(answer(warehouse, "SELECT created FROM control_records")[0][0]) == created
