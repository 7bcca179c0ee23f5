"""Days that a job has still to do are not compared, which is told; all others are, and so are those it has given up."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.engine import Engine
from tests.warehouse.recorded import Event, store
from warehouse.queries.reconcile.cures import failed_jobs
from warehouse.queries.reconcile.difference import Comparison, Difference, Place
from warehouse.queries.reconcile.erasing import ErasingJob, at_work
from warehouse.queries.reconcile.lasting import Lasting
from warehouse.queries.reconcile.reconcile import Reconciler, Report, Scope

JOB = str(UUID(int=7))
DAY = date(2026, 3, 28)
ACME = Scope("acme", DAY, DAY)


def slices(client: Client, state: str, version: int, home: int = 1026, message: str = "") -> None:
    """One slice of the job in every partition."""
    rows = [(JOB, number, "acme", DAY, home, state, "void", message, version) for number in (1026, 1029)]
    names = ("repair_id", "src_partition", "organization", "day", "home", "state", "reason", "message", "version")
    client.insert("repairs", rows, column_names=names)


def compared(client: Client, scope: Scope = ACME) -> Report:
    report, reconciler = Report(), Reconciler(client, lasting=Lasting(attempts=1))
    reconciler.compare(scope, report)
    reconciler.tell_jobs(scope, report)
    return report


@pytest.mark.integration
def test_a_day_is_left_out_while_its_slice_is_open_and_compared_when_the_job_gives_up(
    engine: Engine, recorded: list[Event]
) -> None:
    with engine.database() as (client, _):
        store(client, recorded)
        client.command(f"ALTER TABLE usage_raw UPDATE cost_nano_usd = 1 WHERE organization = 'acme' AND day = '{DAY}'")
        wrong = compared(client)
        assert wrong.differing > 0
        slices(client, "asked", 1, home=-1)
        assert compared(client).differing == wrong.differing, "what people asked for excuses nothing"
        for version, state in enumerate(("asked", "running"), 2):
            slices(client, state, version)
            found = compared(client)
            assert (found.differing, found.places) == (0, set())
            assert found.notes == [
                f"2 days of an organization are still to be done by job {JOB} (void): not compared with raw events"
            ]
        assert compared(client, Scope("acme", date(2026, 3, 29), date(2026, 3, 29))).notes == []
        slices(client, "failed", 4, message="memory limit")
        given_up = compared(client)
        assert (given_up.differing, given_up.notes) == (wrong.differing, [])
        (cure,) = failed_jobs(given_up.failed)
        assert cure.startswith(f"Job {JOB} (void) has given up 1 of these days, the first acme on {DAY}: memory limit.")


def test_a_day_that_a_job_begins_meanwhile_is_asked_for_again() -> None:
    place = Place(1026, "acme", DAY)
    off = Comparison(9, 1, (Difference("c", "acme", 1026, "p", {}, {"a": 1}, {"a": 2}),), frozenset({place}))
    answers, open_days = [off, Comparison(8, 0)], [frozenset({place})]

    class Told(Reconciler):
        def ask(self, _query: Any) -> Any:
            return open_days[0]

        def _compared(self, _check: object) -> Comparison:
            return answers.pop(0)

    once = Told(None, lasting=Lasting(attempts=1))  # type: ignore[arg-type]
    assert once._lasting(None, frozenset()) == (Comparison(8, 0), open_days[0])  # type: ignore[arg-type]
    answers, open_days = [off], [frozenset()]
    assert once._lasting(None, frozenset())[0] == off  # type: ignore[arg-type]


def test_erasures_are_at_work_while_they_are_open_or_change_their_state() -> None:
    old, new = ErasingJob("1", 1026, "acme", "done"), ErasingJob("2", 1026, "acme", "planned")
    assert at_work(frozenset({old, new}), frozenset({old, new})) == [new]
    ended = ErasingJob("2", 1026, "acme", "done")
    assert [job.control_id for job in at_work(frozenset({old, new}), frozenset({old, ended}))] == ["2"]
    assert at_work(frozenset({old}), frozenset({old})) == []
    assert [new.touches(number) for number in (3, 1025, 1026)] == [True, False, True]
