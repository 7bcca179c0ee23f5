"""Erasures on the real engine that something comes between: a warehouse in trouble, a failed job, a frozen replay."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.erasure import mutation
from stream_jobs.erasure.erasure import OF_ERASURES, Erasure
from stream_jobs.erasure.mutation import Mutation
from stream_jobs.erasure.sweeping import Sweeping
from stream_jobs.errors import JobRefused
from stream_jobs.jobs import planning
from stream_jobs.worker import app, jobs
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.lived import (
    FIRST,
    LATER,
    NOBODY,
    SECOND,
    answer,
    came_back,
    counted,
    is_right,
    live,
)
from tests.stream_jobs.worker.sent import INPUT_NANO_USD, Posted, Told
from tests.stream_jobs.worker.simulation import ERASURE_KEY, raised
from tests.warehouse.recorded import directory_rows
from warehouse.errors import WarehouseRefused, WarehouseStrained
from warehouse.queries.reconcile.reconcile import reconcile

pytestmark = pytest.mark.integration
ERASE = Told("erase", {"user_id": "u1"}, number=1)
AGAIN = Told("erase", {"user_id": "u1"}, number=2)
LEFT = {"u2": (1, 100 * INPUT_NANO_USD)}


@pytest.fixture(autouse=True)
def prepared(warehouse: Client) -> Iterator[None]:
    directory_rows().insert(warehouse)
    with patch.object(app, "leave", raised), patch.object(jobs, "PUT_OFF_SECONDS", 0.0):
        yield


@pytest.fixture
def stopped(warehouse: Client) -> Iterator[str]:
    """A condition under which mutations fail as long as the table `stopped` has a row."""
    warehouse.command("CREATE TABLE stopped (row UInt8) ENGINE = MergeTree ORDER BY row")
    warehouse.command("INSERT INTO stopped VALUES (1)")
    warehouse.command("INSERT INTO rejected (rejection_id, organization, time) VALUES ('1', 'acme', now())")
    yield "organization = 'acme' AND throwIf((SELECT count() FROM stopped) > 0, 'no memory') = 0"
    warehouse.command("DROP TABLE stopped")


def test_e24_what_the_warehouse_repeats_is_waited_for(warehouse: Client, sink: Sink, stopped: str) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        failing = "SELECT count() FROM system.mutations WHERE NOT is_done AND latest_fail_reason != ''"
        if answer(warehouse, failing) != [(0,)]:
            warehouse.command("TRUNCATE TABLE stopped")

    with patch.object(mutation, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic)):
        Mutation(sink.rows, sink.command, "rejected").carry_out(f"DELETE WHERE {stopped}")
    assert slept != []
    assert answer(warehouse, "SELECT count() FROM rejected") == [(0,)]


def test_e24_what_only_fails_is_called_off_and_holds_nothing_up(warehouse: Client, sink: Sink, stopped: str) -> None:
    with pytest.raises(WarehouseStrained, match="rows of rejected cannot be changed now"):
        Mutation(sink.rows, sink.command, "rejected", 0.0).carry_out(f"DELETE WHERE {stopped}")
    Mutation(sink.rows, sink.command, "rejected").carry_out("DELETE WHERE organization = 'acme'")
    assert answer(warehouse, "SELECT count() FROM rejected") == [(0,)]


@pytest.mark.parametrize("table", ["event_id_log", "usage_raw", "rollup"])
def test_e24_an_erasure_whose_deletion_fails_is_done_later(
    warehouse: Client, sink: Sink, tmp_path: Path, table: str
) -> None:
    """Events go with the first day, rollup rows at the end."""
    carry_out, left = Mutation.carry_out, [WarehouseStrained("no memory")]

    def failing_once(made: Mutation, change: str) -> None:
        if made.table == table and left:
            raise left.pop()
        carry_out(made, change)

    with patch.object(Mutation, "carry_out", failing_once):
        for _ in range(2):
            live(sink, tmp_path / "a", [Posted((FIRST, SECOND, LATER)), ERASE])
    assert left == []
    assert counted(warehouse) == LEFT
    assert answer(warehouse, "SELECT count() FROM usage_raw WHERE user_id = 'u1'") == [(0,)]
    assert is_right(warehouse)


def test_e24_an_erasure_that_cannot_be_planned_or_computed_is_done_later(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    plan, recompute = planning.plan, Repairs.recompute
    left: list[Exception] = [WarehouseStrained("too much"), WarehouseRefused("no such column")]

    def planned(*said: Any) -> str:
        if len(left) == 2:
            raise left.pop()
        return plan(*said)

    def computed(*said: Any) -> None:
        if left:
            raise left.pop()
        recompute(*said)

    with patch.object(planning, "plan", planned), patch.object(Repairs, "recompute", computed):
        for _ in range(2):
            live(sink, tmp_path / "a", [Posted((FIRST, SECOND, LATER)), ERASE])
    assert left == []
    assert counted(warehouse) == LEFT
    assert is_right(warehouse)


@pytest.mark.parametrize("body", [{"user_id": "u1"}, {}])
def test_e24_an_erasure_that_failed_is_healed_by_asking_again(
    warehouse: Client, sink: Sink, tmp_path: Path, body: dict[str, str]
) -> None:
    posted: list[Posted | Told] = [Posted((FIRST, SECOND, LATER)), ERASE]
    with patch.object(Repairs, "spans", side_effect=JobRefused("3 processes ended while they worked on this")):
        live(sink, tmp_path / "a", posted)
    assert answer(warehouse, "SELECT toString(state) FROM jobs FINAL") == [("failed",)]
    assert "u1" in counted(warehouse), "its events are gone and still counted"
    live(sink, tmp_path / "a", [*posted, Told("erase", body, number=2)])
    assert answer(warehouse, "SELECT toString(state) FROM jobs FINAL ORDER BY src_offset") == [("failed",), ("done",)]
    assert counted(warehouse) == (LEFT if body else {})
    assert [str(each) for each in reconcile(warehouse).differences] == []
    of_failed = f"control_id = '{ERASE.control_id}'"
    for table in ("erased_users", "erased_events"):
        assert answer(warehouse, f"SELECT count() FROM {table} WHERE {of_failed}") == [(0,)], table
    assert answer(warehouse, f"SELECT count() FROM tombstones FINAL WHERE {of_failed}") == [(0,)], (
        "sweeps know the new one"
    )


def test_e24_what_a_failed_erasure_noted_and_is_somebody_elses_now_stays(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    given_away = Told("replace", {"selection": {"user_id": "u1"}, "set": {"user_id": "u2"}}, number=3)
    posted: list[Posted | Told] = [Posted((FIRST, SECOND, LATER)), ERASE]
    with patch.object(Erasure, "remove_events", side_effect=JobRefused("3 processes ended while they worked on this")):
        live(sink, tmp_path / "a", posted)
    live(sink, tmp_path / "a", [*posted, given_away, AGAIN])
    assert counted(warehouse) == {"u2": (3, 1110 * INPUT_NANO_USD)}
    assert [str(each) for each in reconcile(warehouse).differences] == []
    assert answer(warehouse, "SELECT DISTINCT toString(control_id) FROM erased_users") == [(AGAIN.control_id,)]


def freeze_in_a_replay(warehouse: Client) -> None:
    """What a replay has built comes late."""
    for table in ("rollup", "rollup_thread", "rollup_prompt", "rollup_category"):
        warehouse.command(f"INSERT INTO replayed_{table} (* EXCEPT ver) SELECT * EXCEPT ver FROM {table}")


def replayed(warehouse: Client) -> tuple[list[Any], list[Any]]:
    """Users and threads that replayed rows name."""
    users = answer(warehouse, "SELECT DISTINCT user_id FROM replayed_rollup ORDER BY 1")
    return [user for (user,) in users], answer(warehouse, "SELECT DISTINCT thread_id FROM replayed_rollup_thread")


def test_e24_rows_that_a_replay_built_go_too(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    posted: list[Posted | Told] = [Posted((FIRST, SECOND, LATER)), ERASE]
    live(sink, tmp_path / "a", posted[:1])
    freeze_in_a_replay(warehouse)
    assert replayed(warehouse) == (["u1", "u2"], [("t",)])
    live(sink, tmp_path / "a", posted)
    assert replayed(warehouse) == (["u2"], [])
    assert is_right(warehouse)


def test_e24_rows_that_a_frozen_replay_brings_back_are_swept_alone(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    came_back(warehouse, sink, tmp_path / "a")
    for table in ("usage_raw", "rollup"):  # no other row names u1
        warehouse.command(f"ALTER TABLE {table} DELETE WHERE user_id = 'u1' SETTINGS mutations_sync = 2")
    before = counted(warehouse)
    for table in ("rollup", "rollup_thread"):
        of_table = f"replayed_{table} (* EXCEPT ver)"
        warehouse.command(f"INSERT INTO {of_table} SELECT * EXCEPT ver FROM late_{table}")
    for table in ("usage_raw", "rollup", "rollup_thread", "rollup_prompt", "rollup_category"):
        warehouse.command(f"DROP TABLE late_{table}")
    key = tmp_path / "erasure_key"
    key.write_bytes(ERASURE_KEY)
    sweeping = Sweeping(warehouse, WorkerSettings(home=tmp_path, erasure_key_file=key), wait_seconds=0.0)
    assert sweeping.run()[0].endswith("rows of erased users or organizations had come back and were removed")
    assert replayed(warehouse)[0] == ["u2"]
    assert counted(warehouse) == before
    assert answer(warehouse, NOBODY) == [(0,)]
    assert sweeping.run() == []


def test_e24_files_of_replayed_rows_are_waited_for() -> None:
    assert {"replayed_rollup", "replayed_rollup_thread"} < set(OF_ERASURES)
