"""A steady stream of synthetic events straight to Kafka, to every partition in turn."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from confluent_kafka import KafkaError, Message, Producer

from deploy.local.installation import Installation
from producers.envelopes.envelope import encode_envelope
from producers.synthetic.load import frames
from tokentally.envelope import ARROW_STREAM, HEADER_CONTENT_TYPE

ENVELOPE_EVENTS = 25
TICK_SECONDS = 0.05
PATIENCE_MS = 900_000
"""How long the producer keeps what a killed broker did not take."""


class SteadyLoad(threading.Thread):
    """Sends until it is stopped. `ends`: what Kafka acknowledged, as the next offset of each partition."""

    def __init__(self, installation: Installation, rate: int, seconds: float) -> None:
        super().__init__(daemon=True)
        self.ends: dict[int, int] = {}
        self.sent = 0
        self.stopped = threading.Event()
        self.envelopes_per_second = rate / ENVELOPE_EVENTS
        self._rate = rate
        self._topic = installation.settings.events_topic
        self._envelopes = envelopes(installation.settings.partitions, round(rate * seconds))
        self._producer = Producer(
            {
                "bootstrap.servers": installation.plan.kafka_bootstrap,
                "enable.idempotence": True,
                "message.timeout.ms": PATIENCE_MS,
                "queue.buffering.max.messages": 1_000_000,
                "log_level": 0,
            }
        )

    def run(self) -> None:
        """Paced: what is late is sent at once."""
        began, produced = time.monotonic(), 0
        for partition, value in self._envelopes:
            if self.stopped.is_set():
                break
            headers: list[tuple[str, str | bytes | None]] = [(HEADER_CONTENT_TYPE, ARROW_STREAM.encode())]
            self._producer.produce(self._topic, value, partition=partition, headers=headers, on_delivery=self._note)
            produced += ENVELOPE_EVENTS
            while (ahead := produced / self._rate - (time.monotonic() - began)) > 0:
                self._producer.poll(min(ahead, TICK_SECONDS))
        self._producer.flush(60)

    def _note(self, failure: KafkaError | None, message: Message) -> None:
        if failure is not None:
            raise SystemExit(f"Kafka did not take an envelope: {failure}")
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        self.ends[partition] = max(self.ends.get(partition, 0), offset + 1)
        self.sent += ENVELOPE_EVENTS


def envelopes(partitions: int, events: int) -> Iterator[tuple[int, bytes]]:
    """(partition, message) in turn over the partitions, so that each has something new all the time."""
    waiting: dict[int, deque[bytes]] = defaultdict(deque)
    start = datetime.now(UTC) - timedelta(minutes=20)
    for partition, frame in frames(7, events, partitions, start=start, envelope_events=ENVELOPE_EVENTS):
        waiting[partition].append(encode_envelope(frame))
        while len(waiting) == partitions and all(waiting.values()):
            yield from ((number, waiting[number].popleft()) for number in range(partitions))
