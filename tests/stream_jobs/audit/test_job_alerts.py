"""Jobs that stand still are told every day, those that failed once; paused and waiting ones are not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.audit.job_alerts import FAILED, STALLED, STILL, UnfinishedJob, UnfinishedJobs, alerts_of_jobs, stalled
from tests.warehouse.engine import Engine
from warehouse.queries.query import ask

NOW = datetime(2026, 3, 14, tzinfo=UTC)
JOB = UnfinishedJob(3, "id-1", "void", "acme", "planned", 5, 4, STILL, "run", "")


def test_a_job_that_stands_still_is_told_every_day() -> None:
    (row,) = alerts_of_jobs([JOB], set(), NOW)
    assert row[:4] == ("job_stalled/id-1/3/told 2026-03-14", STALLED, "acme", NOW)
    assert row[4].startswith("job id-1 (void) of log partition 3 has not moved for 60 minutes; 4 of its 5 slices")
    assert alerts_of_jobs([JOB], {row[0]}, NOW) == []
    assert alerts_of_jobs([JOB], {row[0]}, NOW + timedelta(days=1)) != []


def test_what_moves_is_paused_or_waits_for_an_earlier_job_does_not_stand_still() -> None:
    assert stalled([replace(JOB, still=STILL - timedelta(seconds=1))]) == []
    paused, later = replace(JOB, wanted="pause"), replace(JOB, control_id="id-2")
    elsewhere = replace(JOB, control_id="id-3", organization="zen")
    assert stalled([paused, later, elsewhere]) == [elsewhere]
    assert stalled([replace(paused, organization=""), later, elsewhere]) == []
    assert stalled([replace(JOB, state="failed"), later]) == [later]


def test_an_erasure_behind_a_paused_job_is_told_with_what_it_waits_for() -> None:
    paused = replace(JOB, control_id="id-0", kind="replay", organization="", wanted="pause")
    erasure, between = replace(JOB, kind="erase"), replace(JOB, control_id="id-2", organization="zen")
    (row,) = alerts_of_jobs([paused, between, erasure], set(), NOW)
    assert row[:2] == ("job_stalled/id-1/3/told 2026-03-14", STALLED)
    assert "has not moved for 60 minutes; it waits for replay id-0, which is paused: resume or cancel it" in row[4]
    assert alerts_of_jobs([paused, replace(erasure, still=STILL - timedelta(seconds=1))], set(), NOW) == []
    assert alerts_of_jobs([replace(paused, wanted="run", still=timedelta()), erasure], set(), NOW) == []
    (row,) = alerts_of_jobs(
        [replace(paused, organization="zen"), replace(between, organization=""), erasure], set(), NOW
    )
    assert "it waits for void id-2, which waits for a paused one: look there which" in row[4]


def test_a_failed_job_is_told_once_with_its_reason() -> None:
    (row,) = alerts_of_jobs([replace(JOB, state="failed", message="memory limit")], set(), NOW)
    assert row[:2] == ("job_failed/id-1/3", FAILED)
    assert "has failed: memory limit." in row[4]
    assert alerts_of_jobs([replace(JOB, state="failed")], {row[0]}, NOW + timedelta(days=1)) == []


@pytest.mark.integration
def test_the_newest_change_of_job_slices_and_orders_counts(engine: Engine) -> None:
    with engine.database() as (client, _):
        job(client, 1, "planned", hours=5)
        assert standing(client) == {(1, 5, 0, "run")}
        names = ("repair_id", "src_partition", "organization", "day", "home", "state", "version", "changed")
        when = datetime.now(UTC) - timedelta(hours=3)
        for version, state in enumerate(("asked", "running"), 1):
            row = (str(UUID(int=1)), 3, "acme", NOW.date(), 3, state, version, when)
            client.insert("repairs", [row], column_names=names)
        assert standing(client) == {(1, 3, 1, "run")}
        order = (UUID(int=1), "pause", "ada", datetime.now(UTC) - timedelta(hours=2))
        client.insert("job_orders", [order], column_names=("control_id", "wanted", "author", "given"))
        job(client, 2, "failed", hours=1)
        job(client, 3, "done", hours=1)
        assert standing(client) == {(1, 2, 1, "pause"), (2, 1, 0, "run")}


def standing(client: Client) -> set[tuple[int, int, int, str]]:
    """(number, hours without change, open slices, what is wanted) of each job."""
    return {
        (UUID(each.control_id).int, int(each.still / timedelta(hours=1)), each.left, each.wanted)
        for each in ask(client, UnfinishedJobs())
    }


def job(client: Client, number: int, state: str, hours: int) -> None:
    row = (3, UUID(int=number), number, "void", "acme", state, datetime.now(UTC) - timedelta(hours=hours))
    names = ("src_partition", "control_id", "src_offset", "kind", "organization", "state", "changed")
    client.insert("jobs", [row], column_names=names)
