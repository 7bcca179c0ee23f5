"""Takes back what was written behind the stored progress under other rules (rule E10).

A replay under other rules would be mixed with rows that the former rules have already moved on. Then everything behind
progress is taken back first: events are deleted, quarter hours computed again from what is applied.
"""

from collections.abc import Collection, Mapping

import structlog

from stream_jobs.worker import statements
from stream_jobs.worker.partition import Progress
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.settings import LOGIC_VERSION
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import PeriodKey

log = structlog.get_logger()
EVENT_TABLES = ("usage_raw", "event_id_lookup", "event_id_log", "rejected")


def roll_back(sink: Sink, repairs: Repairs, progress: Mapping[int, Progress], pending: Collection[PeriodKey]) -> None:
    """For the partitions whose progress was written under another LOGIC_VERSION. Blocking; repeating it is harmless."""
    for number, known in progress.items():
        if known.logic_version == LOGIC_VERSION:
            continue
        applied = known.applied_offset
        for table in EVENT_TABLES:
            if sink.rows(statements.has_events_beyond(table, number, applied)):
                sink.command(statements.events_beyond(table, number, applied))
        days = sink.rows(statements.days_beyond(number, applied))
        for organization, day in days:
            repairs.recompute(repairs.slice_of(number, organization, day, applied), pending)
        if days:
            log.warning(
                "rows behind progress were written by other rules and are computed again",
                partition=number,
                applied=applied,
                logic_version=LOGIC_VERSION,
                former_logic_version=known.logic_version,
                days=len(days),
            )
