"""E29: one take of an import may hold years of history, more months than the engine lets into one insert by default."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.worker.sink import Sink

pytestmark = pytest.mark.integration
MONTHS = 150


def test_e29_an_insert_into_more_than_a_hundred_months_is_one_insert(warehouse: Client, sink: Sink) -> None:
    times = [datetime(2005, 1, 15, tzinfo=UTC) + timedelta(days=31 * month) for month in range(MONTHS)]
    rows = pl.DataFrame(
        {
            "event_id": [uuid4().bytes for _ in times],
            "organization": ["acme"] * MONTHS,
            "time": times,
            "append_time": times,
            "src_partition": pl.Series([0] * MONTHS, dtype=pl.UInt16),
            "src_offset": list(range(MONTHS)),
            "src_index": pl.Series([0] * MONTHS, dtype=pl.UInt32),
        }
    ).with_columns(pl.col("time", "append_time").cast(pl.Datetime("ms", "UTC")))
    sink.insert("usage_raw", rows)
    for table in ("usage_raw", "event_id_lookup", "event_id_log"):
        assert warehouse.query(f"SELECT count() FROM {table}").result_rows == [(MONTHS,)]
    parts = "SELECT uniqExact(partition) FROM system.parts WHERE database = currentDatabase() AND table = 'usage_raw'"
    assert warehouse.query(parts).result_rows[0][0] >= 148
