"""What the engine derives is what plain Python sums: hours, days, weeks and histograms, and a whole worker's work."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.rollups.cascade import DuePeriod, derive, derive_latency
from stream_jobs.worker import app
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.recomputed import Recomputed, Sums
from tests.stream_jobs.worker.sent import BAD_LINES, BEGIN, Log, Posted, Sent
from tests.stream_jobs.worker.simulation import SimulatedWorker, Step, raised
from tests.warehouse.recorded import CALENDARS, Event, Rows, directory_rows, events, latency_rows, raw_rows, rollup_rows
from warehouse.families import FAMILIES, Family

pytestmark = pytest.mark.integration
APPLIED = 1000


def due(recorded: Sequence[Event], grain: str, offset: int = APPLIED) -> list[DuePeriod]:
    """Every day or week of the events."""
    periods = set()
    for event in recorded:
        calendar = CALENDARS[event["organization"]]
        period = calendar.week(event["week"]) if grain == "week" else calendar.day(event["day"])
        place = (event["src_partition"], event["organization"], period.date)
        periods.add(DuePeriod(*place, period.start, period.end, offset))
    return sorted(periods, key=lambda each: (each.src_partition, each.date))


def derive_all(sink: Sink, recorded: Sequence[Event], offset: int = APPLIED) -> None:
    for grain in ("hour", "day", "week"):
        periods = due(recorded, grain, offset)
        for family in FAMILIES:
            sink.command(derive(family, grain, periods))
        sink.command(derive_latency(grain, periods))


def stored(warehouse: Client, wanted: Rows, grain: str) -> list[tuple[Any, ...]]:
    """The rows of a grain in the order of their text, without their offsets."""
    columns = ", ".join(f"toString({name})" if name == "grain" else name for name in wanted.columns[:-1])
    found = warehouse.query(f"SELECT {columns} FROM {wanted.table} FINAL WHERE grain = '{grain}'").result_rows
    return sorted((tuple(map(aware, row)) for row in found), key=str)


def aware(value: object) -> object:
    """The client answers instants without their zone."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def expected(wanted: Rows) -> list[tuple[Any, ...]]:
    return sorted((tuple(row[:-1]) for row in wanted.values), key=str)


@pytest.fixture(scope="module")
def recorded() -> list[Event]:
    return events(150, seed=3)


def store(warehouse: Client, recorded: Sequence[Event], families: Sequence[Family] = FAMILIES) -> None:
    raw_rows(recorded).insert(warehouse)
    for family in families:
        rollup_rows(recorded, family, "quarter").insert(warehouse)


def test_derived_rows_equal_python_sums(warehouse: Client, sink: Sink, recorded: list[Event]) -> None:
    store(warehouse, recorded)
    derive_all(sink, recorded)
    for grain in ("hour", "day", "week"):
        for family in FAMILIES:
            wanted = rollup_rows(recorded, family, grain)
            assert stored(warehouse, wanted, grain) == expected(wanted)
            offsets = warehouse.query(f"SELECT DISTINCT offset FROM {family.table} WHERE grain = '{grain}'").result_rows
            assert [tuple(row) for row in offsets] == [(APPLIED,)]
        wanted = latency_rows(recorded, grain)
        assert stored(warehouse, wanted, grain) == expected(wanted)


def test_only_the_periods_that_are_due_are_derived(warehouse: Client, sink: Sink, recorded: list[Event]) -> None:
    store(warehouse, recorded, FAMILIES[:1])
    first, *_, last = due(recorded, "day")
    sink.command(derive(FAMILIES[0], "hour", [first, last]))
    sink.command(derive_latency("hour", [first, last]))
    places = {(each.src_partition, each.date) for each in (first, last)}
    mine = [event for event in recorded if (event["src_partition"], event["day"]) in places]
    for wanted in (rollup_rows(mine, FAMILIES[0], "hour"), latency_rows(mine, "hour")):
        assert stored(warehouse, wanted, "hour") == expected(wanted)


def test_histograms_hold_what_is_applied(warehouse: Client, sink: Sink, recorded: list[Event]) -> None:
    raw_rows(recorded).insert(warehouse)
    sink.command(derive_latency("hour", due(recorded, "day", offset=3)))
    wanted = latency_rows([event for event in recorded if event["src_offset"] <= 3], "hour")
    assert stored(warehouse, wanted, "hour") == expected(wanted)


def test_e5_the_newest_derivation_stays_whatever_lands_last(
    warehouse: Client, sink: Sink, recorded: list[Event]
) -> None:
    early = [event for event in recorded if event["src_offset"] <= 3]
    store(warehouse, early)
    derive_all(sink, early, offset=3)
    older = {family.table: warehouse.query(f"SELECT * FROM {family.table} WHERE grain = 'day'") for family in FAMILIES}
    store(warehouse, recorded)
    derive_all(sink, recorded, offset=APPLIED)
    for table, rows in older.items():
        warehouse.insert(table, rows.result_rows, column_names=rows.column_names)
    for family in FAMILIES:
        wanted = rollup_rows(recorded, family, "day")
        assert stored(warehouse, wanted, "day") == expected(wanted)


def a_log() -> Log:
    """Both formats, copies, late events and bad lines in two partitions, and a month later the end."""
    hours = [timedelta(hours=h) for h in (-50, -9, -1, 0, -1, -3, 0, -50)]
    posted = [
        Posted(
            (
                Sent(n % 6, BEGIN + ago, name, thread="it's", prompt="p", category="c", rating=4, duration_ms=7),
                Sent(n + 50, BEGIN, name, user="u'2"),
            ),
            int(name != "acme"),
            ("ndjson", "arrow", "gzip")[n % 3],
            BAD_LINES[:1] if n % 2 else (),
        )
        for n, ago in enumerate(hours)
        for name in ("acme", "zen")
    ]
    end, month = BEGIN + timedelta(days=30), timedelta(days=30)
    last = [Posted((Sent(99, end, "acme"),), 0, after=month), Posted((Sent(99, end, "zen"),), 1, after=timedelta(0))]
    return Log([*posted, *last])


def sums(warehouse: Client, family: Family, grain: str) -> Sums:
    columns = ["organization", "toUnixTimestamp(bucket)", *family.dimensions, "src_partition", *family.measures]
    sql = f"SELECT {', '.join(columns)} FROM {family.table} FINAL WHERE grain = '{grain}'"
    found = warehouse.query(sql).result_rows
    width = len(family.dimensions) + 3
    return {tuple(row[:width]): dict(zip(family.measures, row[width:], strict=True)) for row in found}


def test_workers_on_the_engine_give_the_numbers_of_a_plain_count(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    directory_rows().insert(warehouse)
    log, window = a_log(), 4
    with patch.object(app, "leave", raised):
        for steps, last in (((Step(6, "drain"), Step(5, "forget")), False), ((Step(4, "forget"),), True)):
            asyncio.run(SimulatedWorker(log, sink, window, tmp_path / "attempts").live(steps, again=1, last=last))
    truth = Recomputed(log, window)
    for family in FAMILIES:
        assert sums(warehouse, family, "quarter") == truth.rows(family.table, "quarter")
        for grain in ("hour", "day", "week"):
            until = BEGIN + timedelta(days=21)
            assert sums(warehouse, family, grain) == truth.rows(family.table, grain, until=until)
    counts = warehouse.query("SELECT src_partition, seen, accepted, duplicates, rejected FROM partition_progress FINAL")
    assert {row[0]: tuple(row[1:]) for row in counts.result_rows} == {
        n: tuple(c.values()) for n, c in truth.counts.items()
    }
    (raw,) = warehouse.query("SELECT count() FROM usage_raw FINAL").result_rows
    assert raw[0] == len(truth.accepted)
