"""Sends a round's envelopes straight to the log, each under a number by which the truth finds it again."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from confluent_kafka import Producer

from tests.chaos.clock import Clock
from tests.chaos.event import Event, Identity, Posted
from tests.chaos.log import NUMBER_HEADER

FLUSH_SECONDS = 120.0


@dataclass(slots=True)
class Sender:
    """Everything that was sent in a run: envelopes by number, events by identity."""

    bootstrap: str
    topic: str
    clock: Clock
    posted: dict[int, Posted] = field(default_factory=dict)
    known: dict[Identity, Event] = field(default_factory=dict)
    events: int = 0
    _producer: Producer = field(init=False)

    def __post_init__(self) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "enable.idempotence": True,
                "linger.ms": 2,
                "compression.type": "none",
                "message.timeout.ms": 600_000,
                "log_level": 0,
            }
        )

    def send(self, posted: Posted) -> None:
        """Hands one envelope to the client."""
        number = len(self.posted)
        self.posted[number] = posted
        self.known |= {event.identity: event for event in posted.events}
        self.events += len(posted.events)
        self._producer.produce(
            self.topic,
            posted.value,
            partition=posted.partition,
            headers=[*posted.headers.items(), (NUMBER_HEADER, str(number).encode())],
            timestamp=self.clock.now_ms(),
        )
        self._producer.poll(0)

    def send_control(self, value: bytes, partition: int, headers: list[tuple[str, str | bytes | None]]) -> None:
        """Writes a control record; it is in the log when this returns."""
        self.flush()
        self._producer.produce(self.topic, value, partition=partition, headers=headers, timestamp=self.clock.now_ms())
        self.flush()

    def flush(self) -> None:
        """Returns when the log has acknowledged everything. Raises TimeoutError."""
        if left := self._producer.flush(FLUSH_SECONDS):
            raise TimeoutError(f"the log did not take {left} envelopes within {FLUSH_SECONDS:.0f} s")

    def pace(self, envelopes: Iterable[tuple[float, Posted]], stopped: threading.Event) -> None:
        """Sends envelopes when they are due, in seconds from now."""
        began = time.monotonic()
        for at, posted in envelopes:
            if stopped.wait(max(0.0, began + at - time.monotonic())):
                break
            self.send(posted)
        self.flush()
