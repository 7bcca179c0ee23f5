"""Jobs that are cancelled, on the real engine: each day is done or not, whoever died in the middle of it (rule E20)."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.jobs import rewriting
from stream_jobs.jobs.job import COLUMNS, Job
from stream_jobs.worker import app, requests
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.requests import Request
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.sent import BEGIN, Log, Posted, Sent, Told
from tests.stream_jobs.worker.simulation import GENERATION, SimulatedWorker, raised
from tests.warehouse.recorded import directory_rows
from warehouse.queries.reconcile.reconcile import reconcile

pytestmark = pytest.mark.integration
DAYS = 3
EVENTS = tuple(Sent(number, BEGIN - timedelta(days=number), user=f"u{number % 2}") for number in range(2 * DAYS))
"""One a day; those of u1 on three days."""
AMEND = Told("amend", {"selection": {"user_id": "u1"}, "set": {"category": "legal"}}, number=1)
ERASE = Told("erase", {"user_id": "u1"}, number=2)


RAW, ROWS = "begun_as", "recompute"


class Died(Exception):
    """The worker."""


@pytest.fixture(autouse=True)
def prepared(warehouse: Client) -> Iterator[None]:
    """Days are done one by one."""
    directory_rows().insert(warehouse)
    with patch.object(app, "leave", raised), patch.object(requests, "MOST_SLICES", 1):
        yield


def life(sink: Sink, folder: Path, posted: Sequence[Posted | Told], *, dies: str = "") -> SimulatedWorker:
    """A worker that does all jobs, or dies in the middle of the first day: RAW is behind it, or ROWS are begun."""
    worker = SimulatedWorker(Log(posted), sink, 100, folder)

    async def lives() -> None:
        await worker.live((), last=True)
        while await worker.foreman.work(GENERATION):
            worker.foreman.jobs.forget()

    if not dies:
        asyncio.run(lives())
        return worker
    with patch.object(Repairs, dies, side_effect=Died), pytest.raises(Died):
        asyncio.run(lives())
    return worker


def answer(warehouse: Client, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in warehouse.query(sql).result_rows]


def order(warehouse: Client, told: Told, wanted: str) -> None:
    warehouse.insert("job_orders", [[told.control_id, wanted, "ada"]], column_names=["control_id", "wanted", "author"])


def cancel(warehouse: Client, told: Told) -> None:
    order(warehouse, told, "cancel")


def slices(warehouse: Client) -> list[tuple[Any, ...]]:
    return answer(warehouse, "SELECT day, toString(state) FROM repairs FINAL ORDER BY day")


def agrees(warehouse: Client) -> None:
    assert [str(difference) for difference in reconcile(warehouse).differences] == []


def amended(warehouse: Client) -> list[date]:
    raw = answer(warehouse, "SELECT day FROM usage_raw FINAL WHERE category = 'legal' ORDER BY day")
    rows = "SELECT day FROM rollup_category FINAL WHERE grain = 'quarter' AND category = 'legal' AND requests > 0"
    assert answer(warehouse, f"{rows} ORDER BY day") == raw
    return [row[0] for row in raw]


def test_a_day_that_was_begun_is_done_to_its_end_and_no_other_begins(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    posted: list[Posted | Told] = [Posted(EVENTS), AMEND]
    life(sink, tmp_path / "a", posted, dies=RAW)
    cancel(warehouse, AMEND)
    life(sink, tmp_path / "a", posted)
    [(first, _), *others] = slices(warehouse)
    assert slices(warehouse) == [(first, "done"), *((day, "cancelled") for day, _ in others)]
    assert amended(warehouse) == [first]
    assert answer(warehouse, "SELECT toString(state) FROM jobs FINAL") == [("cancelled",)]
    agrees(warehouse)


@pytest.mark.parametrize("dies", [RAW, ROWS])
def test_events_that_a_worker_rewrote_before_it_died_are_told(
    warehouse: Client, sink: Sink, tmp_path: Path, dies: str
) -> None:
    posted: list[Posted | Told] = [Posted(EVENTS), AMEND]
    life(sink, tmp_path / "a", posted, dies=dies)
    life(sink, tmp_path / "a", posted)
    assert answer(warehouse, "SELECT toString(state), events FROM repairs FINAL") == [("done", 1)] * DAYS
    agrees(warehouse)


def test_who_froze_before_a_job_was_cancelled_changes_nothing_any_more(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    posted: list[Posted | Told] = [Posted(EVENTS), AMEND]
    worker = life(sink, tmp_path / "a", posted, dies=RAW)
    cancel(warehouse, AMEND)
    life(sink, tmp_path / "a", posted)
    job = Job.read(answer(warehouse, "SELECT " + ", ".join(COLUMNS) + " FROM jobs FINAL")[0], "run")
    before = amended(warehouse)
    for day, state in slices(warehouse):
        request = Request(job.control_id, 0, "acme", day, 1)
        work = worker.repairs.bundle_of((request,), -1)
        assert state != "cancelled" or not worker.repairs.claimed((request,), work)
        columns = [row[0] for row in sink.rows(rewriting.RAW_COLUMNS)]
        sink.derive(rewriting.rewritten(columns, job, job.corrections[0], work, *work.around()))
        worker.repairs.give_up((request,), work, "too late")
    assert amended(warehouse) == before
    assert {state for _, state in slices(warehouse)} == {"done", "cancelled"}
    agrees(warehouse)


def test_an_erasure_whose_events_are_gone_is_done_to_its_end(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    posted: list[Posted | Told] = [Posted(EVENTS), ERASE]
    life(sink, tmp_path / "a", posted, dies=RAW)
    cancel(warehouse, ERASE)
    life(sink, tmp_path / "a", posted)
    assert [state for _, state in slices(warehouse)] == ["done"] * DAYS
    assert answer(warehouse, "SELECT toString(state) FROM jobs FINAL") == [("done",)]
    assert answer(warehouse, "SELECT user_id, sum(requests) FROM rollup FINAL WHERE grain = 'quarter' GROUP BY 1") == [
        ("u0", DAYS)
    ]
    agrees(warehouse)


def test_an_erasure_that_has_not_begun_ends_and_nothing_tells_who_it_was_about(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    posted: list[Posted | Told] = [Posted(EVENTS), ERASE]
    worker = SimulatedWorker(Log(posted), sink, 100, tmp_path / "a")

    async def planned() -> None:
        await worker.live((), last=True)
        jobs = worker.foreman.jobs
        assert jobs.next({0: 1, 1: -1}, jobs.forgotten) is not None

    asyncio.run(planned())
    assert answer(warehouse, "SELECT user_id FROM erased_users") == [("u1",)]
    cancel(warehouse, ERASE)
    life(sink, tmp_path / "a", posted)
    assert [state for _, state in slices(warehouse)] == ["cancelled"] * DAYS
    assert answer(warehouse, "SELECT (SELECT count() FROM erased_users), (SELECT count() FROM erased_events)") == [
        (0, 0)
    ]
    assert answer(warehouse, "SELECT count() FROM usage_raw FINAL") == [(2 * DAYS,)]
    agrees(warehouse)


def test_a_job_that_waits_behind_a_paused_one_ends_when_it_is_cancelled(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    order(warehouse, AMEND, "pause")
    cancel(warehouse, ERASE)
    life(sink, tmp_path / "a", [Posted(EVENTS), AMEND, ERASE])
    states = "SELECT toString(kind), toString(state) FROM jobs FINAL ORDER BY src_offset"
    assert answer(warehouse, states) == [("amend", "asked"), ("erase", "cancelled")]
    assert slices(warehouse) == []
    assert answer(warehouse, "SELECT count() FROM usage_raw FINAL") == [(2 * DAYS,)]
    order(warehouse, AMEND, "run")
    life(sink, tmp_path / "a", [Posted(EVENTS), AMEND, ERASE])
    assert answer(warehouse, states) == [("amend", "done"), ("erase", "cancelled")]
    agrees(warehouse)
