"""Late events land in the window they belong to, in every family and grain, on days whose clocks change too."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.worker import app
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.recomputed import Recomputed
from tests.stream_jobs.worker.sent import BEGIN, REGISTERED, Log, Posted, Sent
from tests.stream_jobs.worker.simulation import SimulatedWorker, Step, raised
from tests.stream_jobs.worker.test_derived import sums
from warehouse.families import FAMILIES
from warehouse.queries.reconcile.reconcile import EVERYTHING, reconcile

pytestmark = pytest.mark.integration
LORD_HOWE = {"fox": ("Australia/Lord_Howe", 1)}
CHANGES = (
    datetime(2026, 3, 29, 0, 40, tzinfo=UTC),  # an hour is missing in Paris
    datetime(2025, 10, 26, 0, 40, tzinfo=UTC),  # an hour comes twice in Paris
    datetime(2026, 4, 4, 14, 50, tzinfo=UTC),  # half an hour comes twice on Lord Howe
    datetime(2025, 10, 4, 15, 20, tzinfo=UTC),  # half an hour is missing there
    datetime(2026, 1, 1, 18, 10, tzinfo=UTC),  # a year begins in Kathmandu
)


def burst(number: int, after: timedelta) -> list[Posted]:
    """Events around every change, an hour and a half apart, of three organisations."""
    posted = []
    for partition, name in ((0, "acme"), (1, "zen"), (1, "fox")):
        sent = tuple(
            Sent(
                number + 10 * at + step,
                change + step * timedelta(minutes=90),
                name,
                thread="t",
                prompt="p",
                category="c",
                input_tokens=number + step,
                duration_ms=1000 * (step + 2) + number,
                rating=3,
            )
            for at, change in enumerate(CHANGES)
            for step in range(-2, 3)
        )
        posted.append(Posted(tuple(sorted(sent, key=lambda event: event.number)), partition, after=after))
    return posted


def test_late_events_land_in_their_window_in_every_family_and_grain(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    with patch.dict(REGISTERED, LORD_HOWE), patch.object(app, "leave", raised):
        names = ["organization", "effective_from", "time_zone", "week_start", "registered"]
        rows = [[name, datetime(1970, 1, 1, tzinfo=UTC), zone, start, 1] for name, (zone, start) in REGISTERED.items()]
        warehouse.insert("organizations", rows, column_names=names)
        # The first burst is derived; the second comes months late; then silence.
        log = Log([*burst(2, timedelta(0)), *burst(1002, timedelta(days=90))], first=BEGIN + timedelta(days=30))
        first = SimulatedWorker(log, sink, 1000, tmp_path / "attempts")
        asyncio.run(first.live((Step(3, "cascade"),), last=False))
        asyncio.run(SimulatedWorker(log, sink, 1000, tmp_path / "attempts").live((), last=True))
        truth = Recomputed(log, 1000)
        for family in FAMILIES:
            assert sums(warehouse, family, "quarter") == truth.rows(family.table, "quarter")
            for grain in ("hour", "day", "week"):
                assert sums(warehouse, family, grain) == truth.rows(
                    family.table, grain, until=BEGIN + timedelta(days=99)
                )
    late = warehouse.query("SELECT count(), countIf(late = 1) FROM usage_raw FINAL").result_rows[0]
    assert tuple(late) == (150, 150)
    report = reconcile(warehouse, EVERYTHING, iter(()))  # the histograms of response times among them
    assert (report.differing, report.rows > 500) == (0, True)
