"""The sink: values arrive as they were, refusals are raised, and an absent warehouse is waited for."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import polars as pl
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_jobs.worker.sink import Sink, arrow_stream
from tests.stream_jobs.worker.simulation import QuietBeat
from tests.warehouse.embedded.running_warehouse import RunningWarehouse
from warehouse.errors import WarehouseRefused
from warehouse.literals import LONGEST_ADDRESS

DEADLINE_SECONDS = 20.0
TIMES = [datetime(1970, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)]
TIMES += [
    datetime(2026, 3, 29, 1, 59, 59, 999_000, tzinfo=UTC),
    datetime(2299, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
]
IDS = [bytes(16), b"\xff" * 16, bytes(range(16)), b"\x00" * 15 + b"\x01"]


@given(st.lists(st.binary(min_size=16, max_size=16), min_size=1))
@settings(deadline=None)
def test_ids_travel_as_sixteen_bytes(ids: list[bytes]) -> None:
    frame = pl.DataFrame({"event_id": ids, "n": range(len(ids))}, schema={"event_id": pl.Binary, "n": pl.Int64})
    table = pa.ipc.open_stream(arrow_stream(frame)).read_all()
    assert table.schema.field("event_id").type == pa.binary(16)
    assert table.column("event_id").to_pylist() == ids
    assert table.column("n").to_pylist() == list(range(len(ids)))


def raw_events() -> pl.DataFrame:
    return pl.DataFrame(
        {"event_id": IDS, "time": TIMES, "organization": "it's", "append_time": TIMES[::-1]},
        schema_overrides={"time": pl.Datetime("ms", "UTC"), "append_time": pl.Datetime("ms", "UTC")},
    )


@pytest.mark.integration
def test_ids_and_times_arrive_as_they_were_and_come_back(warehouse: Client, sink: Sink) -> None:
    sink.insert("usage_raw", raw_events())
    stored = warehouse.query("SELECT event_id, toUnixTimestamp64Milli(time) FROM usage_raw ORDER BY time").result_rows
    times_ms = [(instant - TIMES[0]) // timedelta(milliseconds=1) for instant in TIMES]
    assert [tuple(row) for row in stored] == list(zip((UUID(bytes=each) for each in IDS), times_ms, strict=True))
    back = sink.frame("SELECT event_id, time, append_time FROM usage_raw ORDER BY time")
    assert back.equals(raw_events().select("event_id", "time", "append_time"))
    asked = sink.frame("SELECT event_id FROM asked ORDER BY time", raw_events().select("time", "event_id"))
    assert asked["event_id"].to_list() == IDS


@pytest.mark.integration
def test_an_answer_without_rows_is_empty(sink: Sink) -> None:
    assert sink.frame("SELECT event_id FROM usage_raw").is_empty()
    assert sink.rows("SELECT event_id FROM usage_raw") == []
    sink.insert("usage_raw", raw_events().clear())


@pytest.mark.integration
def test_what_is_refused_is_raised_at_once(sink: Sink, beat: QuietBeat) -> None:
    with pytest.raises(WarehouseRefused, match="nowhere"):
        sink.frame("SELECT 1 FROM nowhere")
    with pytest.raises(WarehouseRefused):
        sink.command("INSERT INTO usage_raw SELECT nothing")
    with pytest.raises(WarehouseRefused):
        sink.insert("usage_raw", pl.DataFrame({"no_such_column": [1]}))
    assert (beat.count, beat.waits.now) == (0, {})


@pytest.mark.integration
def test_a_statement_beside_a_table_has_room_up_to_a_bound_and_is_refused_beyond_it(sink: Sink) -> None:
    asked = pl.DataFrame({"number": [1]})
    texts = ["é" * (LONGEST_ADDRESS // 6 - 50), "é" * (LONGEST_ADDRESS // 6)]
    fits, too_long = (f"SELECT number, '{text}' FROM asked" for text in texts)
    assert sink.frame(fits, asked).rows() == [(1, texts[0])]
    with pytest.raises(WarehouseRefused, match="in several requests"):
        sink.frame(too_long, asked)
    with pytest.raises(WarehouseRefused, match="in several requests"):
        sink.derive(f"INSERT INTO nowhere {too_long}", asked)
    assert sink.rows(f"SELECT length('{texts[1] * 9}')") == [(2 * 9 * (LONGEST_ADDRESS // 6),)]


@pytest.mark.integration
def test_e28_what_was_answered_moves_the_beat(sink: Sink, beat: QuietBeat) -> None:
    sink.rows("SELECT 1")
    sink.insert("usage_raw", raw_events())
    assert (beat.count, beat.waits.now) == (2, {})


@pytest.mark.integration
def test_e28_what_an_onlooker_is_answered_does_not_move_the_beat(sink: Sink, beat: QuietBeat) -> None:
    assert sink.aside().rows("SELECT 1") == [(1,)]
    assert (beat.count, beat.waits.now) == (0, {})


class RecordingClient:
    """Keeps the settings of every statement."""

    def __init__(self) -> None:
        self.settings: dict[str, dict[str, Any]] = {}

    def raw_insert(self, *_: object, settings: dict[str, Any], **__: object) -> None:
        self.settings["insert"] = settings

    def raw_query(self, *_: object, settings: dict[str, Any], **__: object) -> bytes:
        self.settings["read"] = settings
        return b""

    def command(self, sql: str, settings: dict[str, Any], **__: object) -> None:
        self.settings[sql] = settings


def test_e11_every_statement_reads_what_was_written_before_on_any_replica(beat: QuietBeat) -> None:
    client = RecordingClient()
    sink = Sink(cast(Client, client), beat)
    sink.insert("usage_raw", raw_events())
    sink.rows("SELECT 1")
    sink.command("derived")
    sink.derive("derived in time")
    durable: dict[str, Any] = {"insert_quorum": "auto", "insert_quorum_parallel": 0, "distributed_foreground_insert": 1}
    durable |= {"async_insert": 0}
    sequential: dict[str, Any] = {"select_sequential_consistency": 1}
    wanted: dict[str, dict[str, Any]] = {"insert": durable, "read": sequential}
    wanted |= dict.fromkeys(("derived", "derived in time"), durable | sequential)
    assert client.settings.keys() == wanted.keys()
    for statement, asked in wanted.items():
        assert asked.items() <= client.settings[statement].items(), statement


@pytest.fixture
def stoppable(tmp_path: Path) -> Iterator[RunningWarehouse]:
    """A warehouse of this test's own."""
    process = RunningWarehouse(tmp_path)
    process.users_file.parent.mkdir(parents=True)
    try:
        yield process.start()
    finally:
        process.end()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        threading.Event().wait(0.02)


@pytest.mark.integration
def test_e28_an_absent_warehouse_is_waited_for_and_the_beat_says_so(
    stoppable: RunningWarehouse, beat: QuietBeat
) -> None:
    sink = Sink(stoppable.client(autogenerate_session_id=False), beat)
    sink.command("CREATE TABLE kept (time DateTime64(3, 'UTC')) ENGINE = ReplacingMergeTree ORDER BY time")
    stoppable.end()
    moved = beat.count
    frame = raw_events().select("time")
    waiting = threading.Thread(target=sink.insert, args=("kept", frame), daemon=True)
    waiting.start()
    until(lambda: "the warehouse" in beat.waits.now and beat.count > moved + 1)
    assert waiting.is_alive()
    stoppable.start()
    waiting.join(DEADLINE_SECONDS)
    assert not waiting.is_alive()
    assert beat.waits.now == {}
    assert sink.rows("SELECT count() FROM kept FINAL") == [(4,)]
