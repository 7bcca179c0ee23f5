"""Audits are due from time to time; an unavailable warehouse is waited for; a step that never ends stops the beat."""

from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from stream_jobs.audit.audit import Audit, Audited
from stream_jobs.audit.metrics import Metrics
from stream_jobs.audit.pace import STEP_SECONDS, Pace
from stream_jobs.audit.schedule import RETRY_SECONDS, Schedule
from stream_jobs.audit.settings import AuditSettings
from stream_jobs.worker.beat import Beat
from warehouse.errors import WarehouseUnavailable
from warehouse.queries.reconcile.reconcile import Report

NOW = datetime(2026, 3, 14, tzinfo=UTC)
FOUND = Audited(NOW, NOW, Report(rows=90, differing=3), "3 of 90 rows differ")


@pytest.fixture
def pace(tmp_path: Path) -> Pace:
    return Pace(Beat(tmp_path, "auditor"))


def schedule(pace: Pace, outcome: object) -> Schedule:
    audit = create_autospec(Audit, instance=True)
    audit.run.side_effect = [outcome]
    return Schedule(audit, pace, create_autospec(Metrics, instance=True), 3600.0, 60.0)


def test_what_was_found_is_told(pace: Pace) -> None:
    assert schedule(pace, FOUND).once() == 3600.0
    assert pace.told == {"finished": NOW.timestamp(), "differing": 3, "message": "3 of 90 rows differ"}


def test_an_empty_warehouse_is_asked_again_soon(pace: Pace) -> None:
    assert schedule(pace, None).once() == RETRY_SECONDS
    assert pace.told == {}


def test_an_unavailable_warehouse_is_waited_for_until_it_answers(pace: Pace) -> None:
    assert schedule(pace, WarehouseUnavailable("no answer")).once() == RETRY_SECONDS
    assert list(pace.beat.waits.now) == ["the warehouse"]
    schedule(pace, FOUND).once()
    assert not pace.beat.waits.now


def test_a_long_statement_is_alive_and_an_endless_one_is_not(pace: Pace) -> None:
    pace.write(pace._last + STEP_SECONDS - 1)
    assert pace.beat.count == 1
    pace.write(pace._last + STEP_SECONDS)
    assert pace.beat.count == 1


@pytest.mark.parametrize(("seconds", "audits"), [(3600.0, 168), (60.0, 10_080), (1_000_000.0, 1)])
def test_every_older_day_has_its_turn_within_a_week(seconds: float, audits: int) -> None:
    assert AuditSettings(audit_seconds=seconds).audits_per_round == audits
