"""Days that are done together (rule E20): the same rows as one by one, in one statement each; what fails is found."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.jobs import rewriting
from stream_jobs.rollups.bundle import Bundle
from stream_jobs.worker import app
from stream_jobs.worker.poison import job_attempts
from stream_jobs.worker.poison.attempts import DEATHS_BEFORE_CARE
from stream_jobs.worker.poison.job_attempts import DEATHS_BEFORE_GIVING_UP
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.requests import Requests
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.lived import answer, counted, is_right, live, switched, with_revisions
from tests.stream_jobs.worker.sent import BEGIN, INPUT_NANO_USD, REGISTERED, Posted, Sent, Told
from tests.stream_jobs.worker.simulation import raised
from tests.warehouse.recorded import directory_rows
from warehouse.errors import WarehouseRefused

pytestmark = pytest.mark.integration
DAYS = 9
"""Of two weeks in every calendar, with the night in which Paris changes its clocks."""
EVENTS = [
    Sent(
        number,
        BEGIN + timedelta(days=day - 6, hours=11),
        organization,
        user=f"u{day % 3}",
        thread="t",
        prompt="p",
        category="c",
        duration_ms=day,
    )
    for number, (organization, day) in enumerate((name, day) for name in ("zen", "fox") for day in range(DAYS))
]
"""One a day of two organisations in one partition, with calendars of their own."""
POSTED: list[Posted | Told] = [Posted(tuple(EVENTS), 1, after=timedelta(days=3)), Posted((Sent(99, BEGIN),), 0)]
BAD = EVENTS[4].time.astimezone(ZoneInfo(REGISTERED["zen"][0])).date()
"""A day of zen that the void is about."""
VOID = Told("void", {"selection": {"user_id": "u1"}}, organization="zen", partition=1, number=1)


@pytest.fixture(autouse=True)
def prepared(warehouse: Client) -> Iterator[None]:
    directory_rows().insert(warehouse)
    with patch.object(app, "leave", raised):
        yield


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many slices were begun together, each time."""
    sizes: list[int] = []
    begun_as = Repairs.begun_as

    def begun(self: Repairs, requests: Requests, work: Bundle) -> Bundle:
        sizes.append(len(requests))
        return begun_as(self, requests, work)

    monkeypatch.setattr(Repairs, "begun_as", begun)
    return sizes


def slices(warehouse: Client) -> list[tuple[Any, ...]]:
    return answer(
        warehouse, "SELECT toString(state), count(), sum(events) FROM repairs FINAL GROUP BY state ORDER BY 1"
    )


def test_e20_days_of_a_correction_are_rewritten_together(
    warehouse: Client, sink: Sink, tmp_path: Path, done: list[int]
) -> None:
    live(sink, tmp_path / "a", [*POSTED, VOID])
    assert done == [3]
    assert slices(warehouse) == [("done", 3, 3)]
    assert answer(warehouse, "SELECT organization, count() FROM corrections GROUP BY 1") == [("zen", 3)]
    assert is_right(warehouse)


@pytest.mark.parametrize("kind", ["repair", "replay"])
def test_e20_days_of_organizations_with_calendars_of_their_own_are_computed_together(
    warehouse: Client, sink: Sink, tmp_path: Path, done: list[int], kind: str
) -> None:
    live(sink, tmp_path / "a", POSTED)
    before = counted(warehouse)
    for table in ("rollup", "rollup_thread"):
        warehouse.command(
            f"INSERT INTO {table} (* EXCEPT ver) SELECT * REPLACE (requests + 1 AS requests) FROM {table} FINAL "
            "WHERE organization != 'acme'"
        )
    days = {"first": "2026-03-01", "last": "2026-04-15"} if kind == "repair" else {"first": "2026-03-01"}
    live(sink, tmp_path / "a", [*POSTED, Told(kind, days, organization="", partition=1, number=2)])
    assert 2 * DAYS in done
    assert counted(warehouse) == before
    assert is_right(warehouse)


def test_e20_events_of_several_organizations_are_priced_again_together(
    warehouse: Client, sink: Sink, tmp_path: Path, done: list[int]
) -> None:
    config = replace(switched(warehouse, "prices", 2), partition=1)
    reprice = Told("reprice", {"prices": 2}, organization="", partition=1, number=3)
    live(sink, tmp_path / "a", [*POSTED, config, reprice], rules=with_revisions())
    assert max(done) == 2 * DAYS
    costs = answer(warehouse, "SELECT DISTINCT organization, cost_nano_usd FROM usage_raw FINAL ORDER BY 1")
    assert [cost for name, cost in costs if name != "acme"] == [2 * INPUT_NANO_USD] * 2
    assert is_right(warehouse)


def test_e20_when_days_fail_together_only_those_that_fail_alone_are_given_up(
    warehouse: Client, sink: Sink, tmp_path: Path, done: list[int]
) -> None:
    kept = rewriting.kept

    def refusing(job: Any, correction: Any, work: Bundle, *span: Any) -> str:
        if BAD in {each.day for each in work.slices}:
            raise WarehouseRefused("Code: 53. DB::Exception: it cannot be converted")
        return kept(job, correction, work, *span)

    with patch.object(rewriting, "kept", refusing):
        live(sink, tmp_path / "a", [*POSTED, VOID])
    assert done == [1, 1, 1], "rows follow also where some raw events may not have been rewritten"
    assert slices(warehouse) == [("done", 2, 2), ("failed", 1, 0)]


def test_e29_days_that_end_processes_together_are_done_one_by_one(
    warehouse: Client, sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_attempts, "FIRST_REST_SECONDS", 0.0)
    kept, deaths = rewriting.kept, 0

    def deadly(job: Any, correction: Any, work: Bundle, *span: Any) -> str:
        if BAD in {each.day for each in work.slices}:
            raise ZeroDivisionError
        return kept(job, correction, work, *span)

    monkeypatch.setattr(rewriting, "kept", deadly)
    for _ in range(DEATHS_BEFORE_CARE + DEATHS_BEFORE_GIVING_UP):
        with pytest.raises(ZeroDivisionError):
            live(sink, tmp_path / "a", [*POSTED, VOID])
        deaths += 1
    live(sink, tmp_path / "a", [*POSTED, VOID])
    assert deaths == DEATHS_BEFORE_CARE + DEATHS_BEFORE_GIVING_UP
    assert slices(warehouse) == [("done", 2, 2), ("failed", 1, 0)]


def test_e20_what_a_killed_worker_had_in_work_together_is_ended_together(
    warehouse: Client, sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: list[int]
) -> None:
    derive_again = Repairs.derive_again
    with patch.object(Repairs, "derive_again", side_effect=ZeroDivisionError), pytest.raises(ZeroDivisionError):
        live(sink, tmp_path / "a", [*POSTED, VOID])
    assert slices(warehouse) == [("running", 3, 0)]
    monkeypatch.setattr(Repairs, "derive_again", derive_again)
    live(sink, tmp_path / "a", [*POSTED, VOID])
    assert done == [3, 3]
    assert slices(warehouse) == [("done", 3, 3)]
    assert is_right(warehouse)
