"""`python -m stream_jobs.audit`: compares what is stored with itself and with the log, every hour.

It gives way to everything else: low priority, one thread in the warehouse, small parts.
"""

import os
import signal
import threading
import time
from types import FrameType

import structlog
from prometheus_client import Gauge, start_http_server

from stream_jobs.audit.audit import Audit, Audited
from stream_jobs.audit.counting import LogCounter
from stream_jobs.audit.log_reader import consumer
from stream_jobs.audit.settings import AuditSettings
from stream_jobs.logs import log_as_json
from stream_jobs.worker.beat import Beat
from stream_jobs.worker.resume import LogInspector
from warehouse.client import connect
from warehouse.errors import WarehouseUnavailable
from warehouse.queries.reconcile.reconcile import Reconciler

log = structlog.get_logger()
NICENESS = 15
ROWS_PER_PART = 50_000
QUERY_SETTINGS = {"max_threads": 1, "max_bytes_before_external_group_by": 200_000_000}
LOOK_SECONDS = 1.0
RETRY_SECONDS = 10.0


class Metrics:
    """What the audit tells Prometheus."""

    def __init__(self) -> None:
        self.differing = Gauge("tally_audit_differing_rows", "Rows that differed in the last audit")
        self.rows = Gauge("tally_audit_rows", "Rows that the last audit compared")
        self.finished = Gauge("tally_audit_finished_timestamp_seconds", "When the last audit ended (Unix time)")
        self.seconds = Gauge("tally_audit_seconds", "How long the last audit took")

    def tell(self, audited: Audited) -> None:
        """Shows one audit."""
        self.differing.set(audited.report.differing)
        self.rows.set(audited.report.rows)
        self.finished.set(audited.finished.timestamp())
        self.seconds.set((audited.finished - audited.started).total_seconds())


def keep_auditing(audit: Audit, settings: AuditSettings, beat: Beat, metrics: Metrics, stop: threading.Event) -> None:
    """Audit after audit until it is told to stop. An unavailable warehouse is waited for."""
    told: dict[str, object] = {}
    due = time.monotonic() + settings.audit_first_seconds
    while not stop.wait(LOOK_SECONDS):
        beat.move(beat.waiting_for)
        if time.monotonic() >= due:
            due, told = time.monotonic() + settings.audit_seconds, _once(audit, beat, metrics) or told
            if beat.waiting_for:
                due = time.monotonic() + min(RETRY_SECONDS, settings.audit_seconds)
        beat.write({"audit": told})
        beat.ready()


def _once(audit: Audit, beat: Beat, metrics: Metrics) -> dict[str, object] | None:
    beat.move()
    try:
        audited = audit.run()
    except WarehouseUnavailable as failure:
        log.warning("waiting for the warehouse", reason=str(failure)[:300])
        beat.move("the warehouse")
        return None
    if audited is None:
        return {"message": "nothing was counted yet"}
    metrics.tell(audited)
    told = {"finished": audited.finished.isoformat(), "differing": audited.report.differing, "message": audited.message}
    (log.error if audited.report.differing else log.info)("audited", rows=audited.report.rows, **told)
    return told


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    log_as_json()
    os.nice(NICENESS)
    settings = AuditSettings()
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    beat = Beat(settings.run_folder, "auditor")
    reconciler = Reconciler(connect(), ROWS_PER_PART, QUERY_SETTINGS)
    source = consumer(settings.kafka_bootstrap)
    counter = LogCounter(reconciler, settings.events_topic, LogInspector(settings), source)

    def moved() -> None:
        if stop.is_set():
            raise SystemExit(0)
        beat.move()
        beat.write({"audit": {"message": "an audit is running"}})

    audit = Audit(reconciler, counter, settings.audits_per_round, moved)
    start_http_server(settings.metrics, addr="127.0.0.1")
    try:
        keep_auditing(audit, settings, beat, Metrics(), stop)
    finally:
        source.close()


if __name__ == "__main__":
    main()
