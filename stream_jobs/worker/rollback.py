"""Takes back what was written behind the stored progress under other rules (rule E10).

A replay under other rules would be mixed with rows that the former rules have already moved on. Then everything behind
progress is taken back first: events are deleted, quarter hours computed again from what is applied. The days are asked
for like any other repair, so that whoever comes next ends what was begun, and above its epochs.
"""

from collections.abc import Collection, Mapping
from datetime import date

import polars as pl
import structlog

from stream_jobs.errors import RollbackFailed
from stream_jobs.worker import statements
from stream_jobs.worker.partition import Progress
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.requests import Request
from stream_jobs.worker.settings import LOGIC_VERSION
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import PeriodKey

log = structlog.get_logger()
EVENT_TABLES = ("event_id_lookup", "usage_raw", "event_id_log")
"""In this order: the last one tells that something is left to be done."""


def roll_back(sink: Sink, repairs: Repairs, progress: Mapping[int, Progress], pending: Collection[PeriodKey]) -> None:
    """For the partitions that other rules went on with behind progress. Blocking; repeating it is harmless."""
    for number, known in progress.items():
        applied = known.applied_offset
        if not sink.rows(statements.has_foreign_events(number, applied, LOGIC_VERSION)):
            continue
        days = sink.rows(statements.days_beyond(number, applied))
        log.warning(
            "what other rules wrote behind progress is taken back",
            partition=number,
            applied=applied,
            logic_version=LOGIC_VERSION,
            days=len(days),
        )
        requests = asked(sink, number, known, days)
        for request in requests:
            if not repairs.carry_out((request,), applied, pending):
                raise RollbackFailed(
                    f"partition {number}: the sums of {request.organization} on {request.day} could not be taken back "
                    f"to offset {applied}; the table repairs has the reason ({request.repair_id})"
                )
        for table in EVENT_TABLES:
            sink.command(statements.foreign_events_deleted(table, number, applied, LOGIC_VERSION))


def asked(sink: Sink, number: int, known: Progress, days: list[tuple[str, date]]) -> list[Request]:
    """Asks for the days as anybody would who wants a repair."""
    repair_id = f"rules-{LOGIC_VERSION}/{number}/{known.applied_offset}"
    requests = [Request(repair_id, number, organization, day, version=1) for organization, day in days]
    rows = [(r.repair_id, r.src_partition, r.organization, r.day) for r in requests]
    schema = {"repair_id": pl.String, "src_partition": pl.UInt16, "organization": pl.String, "day": pl.Date}
    sink.insert(
        "repairs",
        pl.DataFrame(rows, schema=schema, orient="row").with_columns(
            pl.lit("asked").alias("state"),
            pl.lit("worker").alias("author"),
            pl.lit("other rules wrote behind progress").alias("reason"),
            pl.lit("").alias("message"),
            pl.lit(known.applied_ms).cast(pl.Datetime("ms", "UTC")).alias("asked"),
            pl.lit(1, pl.UInt64).alias("version"),
        ),
    )
    return requests
