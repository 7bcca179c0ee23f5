"""The log on Kafka: an idempotent producer, acknowledged by all replicas, watched by a probe."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from producers.collector.event_log import Outcome, Position, Record
from producers.errors import KafkaUnavailable
from tokentally.envelope import HEADER_CONTENT_TYPE

log = structlog.get_logger()

_POLL_SECONDS = 0.1
_PROBE_SECONDS_UP = 5.0
_PROBE_SECONDS_DOWN = 0.5
_PROBE_TIMEOUT_SECONDS = 3.0
_QUEUE_KILOBYTES = 262_144
_ANY_PARTITION = -1


class KafkaLog:
    """See EventLog.

    topics: the topics that must exist, with their exact number of partitions (0: any): with another number, events
    would go where no reader expects them. on_fatal: called when only a new process can go on.
    """

    def __init__(
        self,
        bootstrap: str,
        topics: Mapping[str, int],
        *,
        delivery_seconds: float = 10.0,
        on_fatal: Callable[[str], None],
    ) -> None:
        self._topics = topics
        self._delivery_seconds = delivery_seconds
        self._on_fatal = on_fatal
        self._away: str | None = "not connected to Kafka yet"
        self._stopping = threading.Event()
        self._probe_now = threading.Event()
        self._threads: list[threading.Thread] = []
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": "tokentally-collector",
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 0,  # the collector packs by itself
                "delivery.timeout.ms": round(delivery_seconds * 1000),
                "request.timeout.ms": round(delivery_seconds * 1000),
                "socket.timeout.ms": round(delivery_seconds * 1000),
                "socket.keepalive.enable": True,
                "reconnect.backoff.max.ms": 1_000,
                "queue.buffering.max.kbytes": _QUEUE_KILOBYTES,
                "message.max.bytes": 1_000_000,
                "error_cb": self._on_error,
                "log_level": 3,
            },
            logger=_client_logger(),
        )

    async def start(self) -> None:
        """See EventLog."""
        self._loop = asyncio.get_running_loop()
        for target in (self._poll, self._probe):
            thread = threading.Thread(target=target, name=f"kafka{target.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def unavailable(self) -> str | None:
        """See EventLog."""
        return self._away

    def append(self, record: Record) -> asyncio.Future[Outcome]:
        """See EventLog."""
        acknowledged: asyncio.Future[Outcome] = self._loop.create_future()

        def delivered(error: KafkaError | None, message: Any) -> None:
            if error is None:
                outcome: Outcome = Position(message.partition(), message.offset())
            else:
                outcome = KafkaUnavailable(f"Kafka did not acknowledge: {error.str()}")
                self._lost(error)
            self._loop.call_soon_threadsafe(_settle, acknowledged, outcome)

        try:
            self._producer.produce(
                record.topic,
                record.value,
                key=record.key,
                headers=[(HEADER_CONTENT_TYPE, record.content_type.encode())] if record.content_type else [],
                on_delivery=delivered,
                partition=_ANY_PARTITION if record.partition is None else record.partition,
            )
        except BufferError:
            acknowledged.set_result(KafkaUnavailable("too much waits for Kafka already"))
        except KafkaException as problem:
            acknowledged.set_result(KafkaUnavailable(f"Kafka refused the record: {problem}"))
        return acknowledged

    async def close(self) -> None:
        """See EventLog."""
        remaining = await asyncio.to_thread(self._producer.flush, self._delivery_seconds)
        self._stopping.set()
        self._probe_now.set()
        for thread in self._threads:
            await asyncio.to_thread(thread.join, _PROBE_TIMEOUT_SECONDS + 1)
        if remaining:
            log.error("records were not acknowledged before the end", records=remaining)

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._producer.poll(_POLL_SECONDS)

    def _probe(self) -> None:
        while not self._stopping.is_set():
            self._probe_now.clear()
            self._turned(self._problem())
            self._probe_now.wait(_PROBE_SECONDS_DOWN if self._away else _PROBE_SECONDS_UP)

    def _problem(self) -> str | None:
        try:
            found = self._producer.list_topics(timeout=_PROBE_TIMEOUT_SECONDS).topics
        except KafkaException as problem:
            return f"Kafka does not answer: {problem.args[0].str()}"
        for name, partitions in self._topics.items():
            if name not in found:
                return f"Kafka has no topic {name}: create it, or correct the setting"
            if partitions not in (0, len(found[name].partitions)):
                return f"topic {name} has {len(found[name].partitions)} partitions, the setting says {partitions}"
        return None

    def _turned(self, away: str | None) -> None:
        if away != self._away:
            log.info("kafka is available") if away is None else log.warning("kafka is away", reason=away)
        self._away = away

    def _lost(self, error: KafkaError) -> None:
        """A record was given up: nothing more is taken in until a probe has succeeded."""
        if self._away is None and error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
            self._turned(f"Kafka did not acknowledge: {error.str()}")
            self._probe_now.set()
        if error.fatal():
            self._fatal(error)

    def _on_error(self, error: KafkaError) -> None:
        """The client heals what can be healed; whether it does, the probe finds out."""
        self._probe_now.set()
        if error.fatal() or error.code() == KafkaError._FATAL:
            self._fatal(error)

    def _fatal(self, error: KafkaError) -> None:
        log.critical("the producer cannot go on", reason=error.str())
        self._loop.call_soon_threadsafe(self._on_fatal, error.str())


class _Forward(logging.Handler):
    """Brings what the client library says into our log."""

    def emit(self, record: logging.LogRecord) -> None:
        log.warning("kafka client", detail=record.getMessage())


def _client_logger() -> logging.Logger:
    logger = logging.getLogger("tokentally.kafka_client")
    if not logger.handlers:
        logger.addHandler(_Forward())
        logger.propagate = False
    return logger


def _settle(acknowledged: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not acknowledged.done():
        acknowledged.set_result(outcome)
