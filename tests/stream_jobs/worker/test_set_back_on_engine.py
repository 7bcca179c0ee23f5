"""A warehouse that is set back while a worker takes over, on the real engine (rule E8)."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.errors import WarehouseSetBack
from stream_jobs.worker.loading import load_partitions
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.lived import FIRST, LATER, SECOND, answer, counted, is_right, live, prepared
from tests.stream_jobs.worker.sent import INPUT_NANO_USD, Posted

pytestmark = pytest.mark.integration
__all__ = ["prepared"]
OLDER = ("usage_raw", "event_id_lookup", "event_id_log", "rollup", "partition_progress")
LOG = "SELECT src_offset, src_index FROM event_id_log FINAL ORDER BY ALL"


def test_e8_a_worker_that_reads_progress_and_ids_of_two_states_takes_nothing(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    """Progress is that of the newer state, ids are those of the older one: a copy would be a new event."""
    posted = [Posted((FIRST,)), Posted((SECOND,))]
    live(sink, tmp_path / "a", posted[:1])
    for table in OLDER:
        columns = "(* EXCEPT ver)" if table == "rollup" else ""
        warehouse.command(f"CREATE OR REPLACE TABLE older_{table} AS {table}")
        warehouse.command(f"INSERT INTO older_{table} {columns} SELECT * FROM {table}")
    live(sink, tmp_path / "a", posted)
    copies = [*posted, Posted((SECOND, LATER))]

    def set_back(*arguments: Any) -> Any:
        for table in OLDER:
            warehouse.command(f"EXCHANGE TABLES {table} AND older_{table}")
        return load_partitions(*arguments)

    with patch("stream_jobs.worker.takeover.load_partitions", set_back), pytest.raises(WarehouseSetBack):
        live(sink, tmp_path / "a", copies)
    assert answer(warehouse, LOG) == [(0, 0)]
    live(sink, tmp_path / "a", copies)
    assert answer(warehouse, LOG) == [(0, 0), (1, 0), (2, 1)]
    assert counted(warehouse) == {"u1": (2, 1010 * INPUT_NANO_USD), "u2": (1, 100 * INPUT_NANO_USD)}
    assert is_right(warehouse)
    for table in OLDER:
        warehouse.command(f"DROP TABLE older_{table}")
