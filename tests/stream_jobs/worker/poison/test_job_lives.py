"""Jobs that end the process again and again (rule E29): each slice is given up alone, and what follows is done."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.jobs import planning, rewriting
from stream_jobs.rollups.bundle import Bundle
from stream_jobs.worker import app
from stream_jobs.worker.poison import job_attempts
from stream_jobs.worker.poison.attempts import DEATHS_BEFORE_CARE
from stream_jobs.worker.poison.job_attempts import DEATHS_BEFORE_GIVING_UP
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.requests import Requests
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.lived import FIRST, LATER, SECOND, answer, counted, live
from tests.stream_jobs.worker.sent import INPUT_NANO_USD, Posted, Told
from tests.stream_jobs.worker.simulation import raised
from tests.warehouse.recorded import directory_rows

pytestmark = pytest.mark.integration
DEADLY = Told("void", {"selection": {"user_id": "u1"}}, number=1)
HARMLESS = Told("void", {"selection": {"user_id": "u2"}}, number=2)
POSTED: list[Posted | Told] = [Posted((FIRST, SECOND, LATER)), DEADLY, HARMLESS]
JOBS = "SELECT toString(control_id), toString(state), message FROM jobs FINAL ORDER BY src_offset"


@pytest.fixture(autouse=True)
def prepared(warehouse: Client) -> Iterator[None]:
    directory_rows().insert(warehouse)
    with patch.object(app, "leave", raised):
        yield


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for what ended processes."""
    monkeypatch.setattr(job_attempts, "FIRST_REST_SECONDS", 0.0)


def died(sink: Sink, attempts: Path, times: int = DEATHS_BEFORE_GIVING_UP) -> None:
    for _ in range(times):
        with pytest.raises(ZeroDivisionError):
            live(sink, attempts, POSTED)


def only_the_deadly_one_failed(warehouse: Client) -> None:
    """Nothing of u1 changed, u2 counts no more."""
    [first, second] = answer(warehouse, JOBS)
    assert (first[0], first[1], second[0], second[1:]) == (
        DEADLY.control_id,
        "failed",
        HARMLESS.control_id,
        ("done", ""),
    )
    assert first[2].startswith(f"{DEATHS_BEFORE_GIVING_UP} processes ended while they worked on this")
    assert counted(warehouse) == {"u1": (2, 1010 * INPUT_NANO_USD)}


def test_e29_a_job_survives_kills_in_its_slices(
    warehouse: Client, sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a slice at which processes were ended again and again nobody takes care for a while; then it is done."""
    kept = rewriting.kept
    ends = iter(range(DEATHS_BEFORE_CARE))

    def killed(*asked: Any) -> str:
        if next(ends, None) is not None:
            raise ZeroDivisionError
        return kept(*asked)

    monkeypatch.setattr(rewriting, "kept", killed)
    died(sink, tmp_path / "a", DEATHS_BEFORE_CARE)
    monkeypatch.setattr(job_attempts, "FIRST_REST_SECONDS", 3600.0)
    live(sink, tmp_path / "a", POSTED)
    assert [state for _, state, _ in answer(warehouse, JOBS)] == ["planned", "asked"], "the one behind it waits"
    assert counted(warehouse)["u1"][0] == 2
    monkeypatch.setattr(job_attempts, "FIRST_REST_SECONDS", 0.0)
    live(sink, tmp_path / "a", POSTED)
    assert [state for _, state, _ in answer(warehouse, JOBS)] == ["done", "done"]
    assert counted(warehouse) == {}


@pytest.mark.usefixtures("restless")
def test_e29_a_slice_that_ends_ten_processes_fails_alone(
    warehouse: Client, sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = rewriting.kept

    def deadly(job: Any, *more: Any) -> str:
        if job.control_id == DEADLY.control_id:
            raise ZeroDivisionError
        return kept(job, *more)

    monkeypatch.setattr(rewriting, "kept", deadly)
    died(sink, tmp_path / "a")
    live(sink, tmp_path / "a", POSTED)
    only_the_deadly_one_failed(warehouse)


@pytest.mark.usefixtures("restless")
def test_e29_a_slice_that_was_begun_and_ends_who_takes_the_partition_over_fails_alone(
    warehouse: Client, sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarters, begun_as = Repairs._quarters, Repairs.begun_as
    begun: list[str] = []

    def begins(self: Repairs, requests: Requests, work: Bundle) -> Bundle:
        begun.append(requests[0].repair_id)
        return begun_as(self, requests, work)

    def deadly(self: Repairs, *asked: Any) -> None:
        if begun[-1] == DEADLY.control_id:
            raise ZeroDivisionError
        quarters(self, *asked)

    monkeypatch.setattr(Repairs, "begun_as", begins)
    monkeypatch.setattr(Repairs, "_quarters", deadly)
    died(sink, tmp_path / "a")
    live(sink, tmp_path / "a", POSTED)
    [first, second] = answer(warehouse, JOBS)
    assert (first[1], second[1]) == ("failed", "done")
    assert begun.count(DEADLY.control_id) == DEATHS_BEFORE_GIVING_UP


@pytest.mark.usefixtures("restless")
def test_e29_a_job_that_ends_whoever_plans_it_fails_alone(
    warehouse: Client, sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planning.plan

    def deadly(job: Any, *more: Any) -> str:
        if job.control_id == DEADLY.control_id:
            raise ZeroDivisionError
        return plan(job, *more)

    monkeypatch.setattr(planning, "plan", deadly)
    died(sink, tmp_path / "a")
    live(sink, tmp_path / "a", POSTED)
    only_the_deadly_one_failed(warehouse)


@pytest.mark.parametrize("body", ["no json", "[" * 5_000, json.dumps({"events": 7})])
def test_e29_a_job_that_nobody_can_read_fails_alone(warehouse: Client, sink: Sink, tmp_path: Path, body: str) -> None:
    live(sink, tmp_path / "a", POSTED[:1])
    columns = "src_partition, control_id, src_offset, kind, organization, body, prices, multipliers, state, version"
    unreadable = f"toUUID('{DEADLY.control_id}'), 0, 'void', 'acme', {{body:String}}, 0, 0, 'asked', 1"
    warehouse.command(f"INSERT INTO jobs ({columns}) SELECT 0, {unreadable}", parameters={"body": body})
    live(sink, tmp_path / "a", [POSTED[0], HARMLESS])
    [first, second] = answer(warehouse, JOBS)
    assert (first[1], second[1:]) == ("failed", ("done", ""))
    assert first[2].startswith("what the job is to do cannot be read")
    assert counted(warehouse) == {"u1": (2, 1010 * INPUT_NANO_USD)}


def test_e29_what_a_record_left_that_was_set_apart_afterwards_holds_no_more(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    """Its job and its awaited event were stored before the process ended of the rest."""
    named = Told(
        "void", {"events": [{"event_id": "00000000-0000-4000-8000-000000000009", "time": "2026-03-28T12:00Z"}]}
    )
    reached = live(sink, tmp_path / "a", [Posted((FIRST,)), named, HARMLESS])
    assert len(reached.state.partitions[0].awaited) == 1
    warehouse.command("TRUNCATE TABLE jobs")
    columns = "src_partition, src_offset, src_index, reason, raw"
    warehouse.command(f"INSERT INTO quarantine ({columns}) VALUES (0, 1, -1, 'quarantined', '')")
    warehouse.command(
        "INSERT INTO jobs (src_partition, control_id, src_offset, kind, organization, body, state, version) "
        f"SELECT 0, toUUID('{named.control_id}'), 1, 'void', 'acme', '{{\"selection\": {{\"user_id\": \"u1\"}}}}', "
        "'asked', 1"
    )
    again = live(sink, tmp_path / "a", [Posted((FIRST,)), named, HARMLESS])
    assert len(again.state.partitions[0].awaited) == 0
    assert answer(warehouse, "SELECT toString(state) FROM jobs FINAL") == [("asked",)]
    assert counted(warehouse) == {"u1": (1, 10 * INPUT_NANO_USD)}
