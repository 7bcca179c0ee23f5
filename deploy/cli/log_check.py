"""Counts the log of this installation and compares running totals with it."""

from collections.abc import Callable

from clickhouse_connect.driver.client import Client

from deploy.local import probes
from deploy.local.installation import Installation
from stream_jobs.audit.counting import LogCounter
from stream_jobs.audit.log_reader import consumer
from stream_jobs.worker.resume import LogInspector
from stream_jobs.worker.settings import WorkerSettings
from warehouse.queries.reconcile.reconcile import Reconciler, Report


def against_log(client: Client, report: Report, advance: Callable[[float], None]) -> None:
    """Adds what differs to the report; a note when Kafka does not answer."""
    installation = Installation.from_environment()
    bootstrap, topic = installation.plan.kafka_bootstrap, installation.settings.events_topic
    silence = probes.kafka(bootstrap)(0)
    if silence:
        report.notes.append(f"running totals were not compared with the log: {silence}")
        return
    settings = WorkerSettings(home=installation.home.folder, kafka_bootstrap=bootstrap, events_topic=topic)
    source = consumer(bootstrap)
    try:
        counter = LogCounter(Reconciler(client), topic, LogInspector(settings), source)
        report.add(counter.compared(advance))
    finally:
        source.close()
    report.notes += counter.notes
