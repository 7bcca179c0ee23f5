"""An audit compares what is due, remembers it, and raises each difference once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.audit.audit import Audit, Audited
from stream_jobs.audit.counting import LogCounter
from tests.stream_jobs.audit.fake_log import FakeLog
from tests.warehouse.engine import Engine
from tests.warehouse.recorded import Event
from warehouse.queries.reconcile.identities import IN_LOOKUP
from warehouse.queries.reconcile.lasting import Lasting
from warehouse.queries.reconcile.reconcile import Reconciler

pytestmark = pytest.mark.integration


def audit(client: Client, log: FakeLog, round_: int = 1) -> Audit:
    reconciler = Reconciler(client, 50_000, {"max_threads": 1}, Lasting(attempts=1))
    return Audit(reconciler, LogCounter(reconciler, "usage.events", log, log), round_)  # type: ignore[arg-type]


def run(made: Audit) -> Audited:
    audited = made.run()
    assert audited is not None
    return audited


def test_nothing_is_audited_before_the_first_event(engine: Engine) -> None:
    with engine.database() as (client, _):
        assert audit(client, FakeLog({})).run() is None


def test_an_audit_without_difference_is_remembered(usage: Client, recorded: list[Event]) -> None:
    steps: list[int] = []
    made = audit(usage, FakeLog.of(recorded))
    made.moved = lambda: steps.append(1)
    audited = run(made)
    assert (audited.report.differing, audited.message) == (0, f"no difference in {audited.report.rows:,} rows")
    ((rows, differing, scope, message),) = usage.query("SELECT rows, differing, scope, message FROM audits").result_rows
    assert (rows, differing, message) == (audited.report.rows, 0, audited.message)
    assert scope == "2026-03-22 to 2026-03-23, 2026-03-26 to 2026-04-03"  # two of these days name weeks
    assert usage.query("SELECT count() FROM alerts WHERE kind != 'unpriced_model'").result_rows == [(0,)]
    assert len(steps) > 20


def recorded_days(recorded: list[Event]) -> list[date]:
    return sorted({event["day"] for event in recorded} | {event["week"] for event in recorded})


def test_a_difference_raises_one_alert_however_often_it_is_found(usage: Client, recorded: list[Event]) -> None:
    usage.command("DELETE FROM rollup_thread WHERE grain = 'hour' AND organization = 'zen' AND day = '2026-03-28'")
    made = audit(usage, FakeLog.of(recorded))
    for _ in range(2):
        assert run(made).report.differing > 0
    told = usage.query("SELECT alert_id FROM alerts WHERE kind = 'reconcile_difference'").result_rows
    assert {row[0] for row in told} == {
        "reconcile_difference/rollup_thread hour = quarter/1029/zen/2026-03-28/told 2026-04-02",
        "reconcile_difference/rollup_thread day = hour/1029/zen/2026-03-28/told 2026-04-02",
    }
    assert len(told) == 2


def test_models_without_a_price_are_told_once(usage: Client, recorded: list[Event]) -> None:
    made = audit(usage, FakeLog.of(recorded))
    for _ in range(2):
        run(made)
    told = usage.query("SELECT organization, message FROM alerts WHERE kind = 'unpriced_model'").result_rows
    unpriced = [event for event in recorded if event["cost_status"] in ("unpriced", "partial")]
    assert len(told) == len({(event["organization"], event["provider"], event["model"]) for event in unpriced})
    assert {organization for organization, _ in told} == {"acme", "zen"}


def test_identities_are_compared_by_the_first_audit_of_a_day(usage: Client, recorded: list[Event]) -> None:
    made = audit(usage, FakeLog.of(recorded))
    run(made)
    usage.command("DELETE FROM event_id_lookup WHERE organization = 'zen'")
    assert run(made).report.differing == 0
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    made.now = lambda: tomorrow
    assert {found.check for found in run(made).report.differences} == {IN_LOOKUP}
    ((message,),) = usage.query("SELECT DISTINCT message FROM alerts WHERE organization = ''").result_rows
    assert "INSERT INTO event_id_lookup" in message


def test_older_days_have_their_turn_and_touched_ones_come_at_once(usage: Client, recorded: list[Event]) -> None:
    log = FakeLog.of(recorded)
    days = recorded_days(recorded)
    run(audit(usage, log, round_=100))
    usage.command(
        "INSERT INTO touched_periods VALUES (1026, 'acme', 'day', '2026-03-27', 'touched', 1000), "
        "(1026, 'acme', 'day', '2026-03-27', 'done', 1000)"
    )
    run(audit(usage, log, round_=100))
    first, second = usage.query("SELECT scope, older_until FROM audits ORDER BY started").result_rows
    assert (first[1], second[1]) == (days[0], days[1])
    assert first[0].startswith(f"{days[0]}, ")
    assert "2026-03-27" in second[0]
    assert "2026-03-27" not in first[0]
