"""`python -m stream_jobs.audit`: compares what is stored with itself and with the log, every hour.

Beside that it publishes control records whose asker died in between.

It gives way to everything else: low priority, one thread in the warehouse, small parts.
"""

import os
import signal
import threading
from types import FrameType

from prometheus_client import start_http_server

from stream_jobs.audit.audit import Audit
from stream_jobs.audit.counting import LogCounter
from stream_jobs.audit.log_reader import consumer
from stream_jobs.audit.metrics import Metrics
from stream_jobs.audit.pace import STEP_SECONDS, Pace
from stream_jobs.audit.schedule import Schedule
from stream_jobs.audit.settings import AuditSettings
from stream_jobs.control.finisher import Finisher
from stream_jobs.control.publisher import Publisher
from stream_jobs.control.settings import ControlSettings
from stream_jobs.erasure.sweeping import Sweeping
from stream_jobs.logs import log_as_json
from stream_jobs.worker.arrival import arrived
from stream_jobs.worker.beat import Beat
from stream_jobs.worker.resume import LogInspector
from warehouse.queries.reconcile.reconcile import Reconciler
from warehouse.settings import WarehouseSettings

NICENESS = 15
ROWS_PER_PART = 50_000
QUERY_SETTINGS = {"max_threads": 1, "max_bytes_before_external_group_by": 200_000_000}


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
    pace = Pace(Beat(settings.run_folder, "auditor"))
    pace.keep()
    client = arrived(pace.beat, WarehouseSettings(receive_timeout_seconds=int(STEP_SECONDS)))
    start_http_server(settings.port, addr="127.0.0.1")
    pace.beat.ready()
    reconciler = Reconciler(client, ROWS_PER_PART, QUERY_SETTINGS)
    source = consumer(settings.kafka_bootstrap)
    counter = LogCounter(reconciler, settings.events_topic, LogInspector(settings), source)

    def moved() -> None:
        if stop.is_set():
            raise SystemExit(0)
        pace.step()

    audit = Audit(reconciler, counter, settings.audits_per_round, moved)
    finisher = Finisher(Publisher(ControlSettings(), client), stop)
    finisher.start()
    sweeping = Sweeping(client, settings, moved=moved)
    audit = Audit(reconciler, counter, settings.audits_per_round, moved, sweeping.run)
    try:
        Schedule(audit, pace, Metrics(), settings.audit_seconds, settings.audit_first_seconds).keep(stop)
    finally:
        stop.set()
        finisher.join()
        source.close()


if __name__ == "__main__":
    main()
