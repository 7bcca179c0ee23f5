"""Repair and taking back on the real engine: damaged rows of every family and grain are right again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.worker import app
from stream_jobs.worker.settings import LOGIC_VERSION
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.simulation import GENERATION, SimulatedWorker, Step, raised
from tests.stream_jobs.worker.test_derived import a_log
from tests.stream_jobs.worker.test_simulation import logic
from tests.warehouse.recorded import directory_rows
from warehouse.families import FAMILIES
from warehouse.queries.reconcile.reconcile import reconcile
from warehouse.repairs import RepairSlice, repair_status, request_repair

pytestmark = pytest.mark.integration
TABLES = [*(family.table for family in FAMILIES), "rollup_latency"]
GRAINS = ("quarter", "hour", "day", "week")


@pytest.fixture(autouse=True)
def leaving_raises() -> Iterator[None]:
    with patch.object(app, "leave", raised):
        yield


def live(sink: Sink, attempts: Path, *steps: Step, last: bool) -> SimulatedWorker:
    worker = SimulatedWorker(a_log(), sink, 4, attempts)
    asyncio.run(worker.live(steps, last=last))
    return worker


def damage(warehouse: Client, table: str, grain: str) -> None:
    """Rows of a grain that are wrong, and rows that nothing stands for."""
    more = 10 ** GRAINS.index(grain)
    wrong = f"requests + {more} AS requests"
    if table == "rollup_latency":
        wrong = f"arrayMap(count -> count + {more}, counts) AS counts"
    key = "'nobody' AS thread_id" if table == "rollup_thread" else "'nobody' AS model"
    for changed in (wrong, key):
        warehouse.command(
            f"INSERT INTO {table} SELECT * REPLACE ({changed}) FROM {table} FINAL WHERE grain = '{grain}'"
        )


def test_damaged_rows_are_found_and_healed(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    directory_rows().insert(warehouse)
    worker = live(sink, tmp_path / "attempts", last=True)
    assert not reconcile(warehouse).differing
    damaged = [
        (table, grain) for table in TABLES for grain in GRAINS if (table, grain) != ("rollup_latency", "quarter")
    ]
    for table, grain in damaged:
        damage(warehouse, table, grain)
    checks = {found.check for found in reconcile(warehouse).differences}
    assert len(checks) == len(damaged)

    days = warehouse.query("SELECT DISTINCT src_partition, organization, day FROM usage_raw").result_rows
    repair_id = request_repair(warehouse, [RepairSlice(*day) for day in days], "ada", "a damaged disk")
    asyncio.run(carried_out(worker))
    status = repair_status(warehouse, repair_id)
    assert (status.asked, status.done, status.failed) == (0, len(days), 0)
    assert not reconcile(warehouse).differing


def test_rows_of_quarter_hours_without_any_event_are_emptied(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    directory_rows().insert(warehouse)
    worker = live(sink, tmp_path / "attempts", last=True)
    for family in FAMILIES:
        for hours in (-5, 5):
            warehouse.command(
                f"INSERT INTO {family.table} SELECT * REPLACE (bucket + {hours} * 3600 AS bucket) "
                f"FROM {family.table} FINAL WHERE grain = 'quarter'"
            )
    assert {found.check for found in reconcile(warehouse).differences} >= {f"{f.table} quarter = raw" for f in FAMILIES}
    days = warehouse.query("SELECT DISTINCT src_partition, organization, day FROM usage_raw").result_rows
    request_repair(warehouse, [RepairSlice(*day) for day in days], "ada", "a damaged disk")
    asyncio.run(carried_out(worker))
    assert not reconcile(warehouse).differing


def test_epochs_go_on_above_sixteen_bits(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    directory_rows().insert(warehouse)
    worker = live(sink, tmp_path / "attempts", Step(4, "drain"), last=False)
    for table in TABLES:
        warehouse.command(f"INSERT INTO {table} SELECT * REPLACE (65534 AS epoch) FROM {table} FINAL")
    damage(warehouse, "rollup", "quarter")
    days = warehouse.query("SELECT DISTINCT src_partition, organization, day FROM usage_raw").result_rows
    repair_id = request_repair(warehouse, [RepairSlice(*day) for day in days], "ada", "the last of many")
    asyncio.run(carried_out(worker))
    assert repair_status(warehouse, repair_id).done == len(days)
    assert number(warehouse, "SELECT min(epoch) FROM rollup FINAL WHERE requests > 0") == 65_536
    live(sink, tmp_path / "later", last=True)
    assert number(warehouse, "SELECT max(epoch) FROM rollup FINAL WHERE grain = 'quarter'") >= 65_536
    assert not reconcile(warehouse).differing


async def carried_out(worker: SimulatedWorker) -> None:
    worker.foreman.owning, worker.flusher._running = asyncio.Lock(), None
    while await worker.foreman.work(GENERATION):
        worker.foreman.jobs.forget()


def number(warehouse: Client, sql: str) -> int:
    return int(warehouse.query(sql).result_rows[0][0])


def test_e10_what_lies_behind_progress_is_taken_back(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    directory_rows().insert(warehouse)
    live(sink, tmp_path / "attempts", Step(4, "drain"), last=False)
    warehouse.command("CREATE TABLE kept AS partition_progress")
    warehouse.command("INSERT INTO kept SELECT * FROM partition_progress FINAL")
    live(sink, tmp_path / "attempts", Step(6, "drain"), last=False)
    warehouse.command("TRUNCATE TABLE partition_progress")
    warehouse.command("INSERT INTO partition_progress SELECT * FROM kept")
    warehouse.command("DROP TABLE kept")
    before = number(warehouse, "SELECT count() FROM usage_raw FINAL")
    with logic(LOGIC_VERSION + 1):
        live(sink, tmp_path / "attempts", last=False)
        assert number(warehouse, "SELECT count() FROM usage_raw FINAL") < before
        beyond = "SELECT count() FROM usage_raw AS e JOIN partition_progress AS p USING (src_partition)"
        assert number(warehouse, f"{beyond} WHERE e.src_offset > p.applied_offset") == 0
        assert not reconcile(warehouse).differing
        live(sink, tmp_path / "attempts", last=True)
    assert not reconcile(warehouse).differing
