"""Starts the collector: settings from the environment, keys from their file, Kafka, and uvicorn in front."""

import logging
import sys

import structlog
import uvicorn
from pydantic import ValidationError

from producers.collector.app import CollectorApp
from producers.collector.kafka_log import KafkaLog
from producers.collector.settings import CollectorSettings
from producers.errors import WrongConfiguration
from producers.keys.store import KeyStore

log = structlog.get_logger()


def serve() -> None:
    """Runs until SIGTERM or SIGINT, then answers what it accepted. Exits with 1 when it could not start or go on."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    try:
        settings = CollectorSettings()
        keys = KeyStore(settings.keys_file)
    except (ValidationError, WrongConfiguration) as problem:
        log.critical("the collector cannot start", reason=str(problem))
        sys.exit(1)
    failures: list[str] = []

    def give_up(reason: str) -> None:
        failures.append(reason)
        server.should_exit = True

    event_log = KafkaLog(
        settings.kafka_bootstrap,
        {settings.events_topic: settings.partitions, settings.rejected_topic: 0},
        delivery_seconds=settings.collector_delivery_seconds,
        on_fatal=give_up,
    )
    server = uvicorn.Server(
        uvicorn.Config(
            CollectorApp(settings, keys, event_log),
            host=settings.collector_host,
            port=settings.collector_port,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=round(settings.collector_delivery_seconds) + 5,
        )
    )
    log.info("the collector listens", host=settings.collector_host, port=settings.collector_port)
    server.run()
    if failures or not server.started:
        sys.exit(1)
