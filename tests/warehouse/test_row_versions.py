"""Which of several versions of a row is the one that is read (rules E5 to E7)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client

from deploy.local.home import ROOT
from tests.warehouse.engine import Engine

pytestmark = pytest.mark.integration
TIME = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = UUID(int=1)


@pytest.fixture
def client(engine: Engine) -> Iterator[Client]:
    with engine.database() as (client, _):
        yield client


def raw(client: Client, cost: int, **more: int) -> None:
    row = {"organization": "acme", "time": TIME, "event_id": ID, "cost_nano_usd": cost, **more}
    client.insert("usage_raw", [list(row.values())], column_names=list(row))


def rollup(client: Client, requests: int, offset: int, epoch: int = 0) -> None:
    row = {"grain": "day", "organization": "acme", "bucket": TIME, "model": "gpt-4o", "src_partition": 3}
    row |= {"requests": requests, "offset": offset, "epoch": epoch}
    client.insert("rollup", [list(row.values())], column_names=list(row))


def test_e6_a_replay_does_not_win_over_what_a_control_record_wrote(client: Client) -> None:
    raw(client, 100, src_offset=500)
    raw(client, 70, src_offset=500, control_offset=900)
    raw(client, 100, src_offset=500)
    assert client.query("SELECT toInt64(cost_usd * 1000000000) FROM usage_events").result_rows == [(70,)]
    client.command("OPTIMIZE TABLE usage_raw FINAL")
    assert client.query("SELECT toInt64(cost_usd * 1000000000) FROM usage_events").result_rows == [(70,)]


def test_e1_e5_an_epoch_wins_over_every_offset_and_an_older_write_that_lands_last_does_not(client: Client) -> None:
    rollup(client, 60, offset=300)
    rollup(client, 15, offset=200)
    assert client.query("SELECT requests FROM rollup FINAL").result_rows == [(60,)]
    rollup(client, 61, offset=250, epoch=1)
    rollup(client, 60, offset=2**47)
    assert client.query("SELECT requests, epoch, offset FROM rollup FINAL").result_rows == [(61, 1, 250)]


def test_e7_a_filter_never_brings_an_older_version_back(client: Client) -> None:
    """The condition is about a column that is no key and holds for the older version alone."""
    client.command("SYSTEM STOP MERGES usage_raw")
    raw(client, 100)
    raw(client, 70, control_offset=900)
    old = "SELECT count() FROM usage_raw FINAL {} cost_nano_usd = 100"
    assert client.query(old.format("PREWHERE")).result_rows == [(1,)], "the engine has changed: is this rule obsolete?"
    assert client.query(old.format("WHERE")).result_rows == [(0,)]
    assert client.query("SELECT count() FROM usage_events WHERE cost_usd = 0.0000001").result_rows == [(0,)]


def test_e7_no_statement_of_ours_uses_prewhere() -> None:
    folders = ("api", "dashboards", "deploy", "producers", "stream_jobs", "warehouse")
    files = [path for folder in folders for kind in ("py", "sql") for path in (ROOT / folder).rglob(f"*.{kind}")]
    assert len(files) > 100
    assert [str(path) for path in files if re.search(r"\bprewhere\b", path.read_text(), re.IGNORECASE)] == []
