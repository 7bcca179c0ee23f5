"""Publishes what others left unpublished, every few seconds: a publisher in, records in every partition out."""

import threading
from dataclasses import dataclass, field

import structlog

from producers.errors import ProducerError
from stream_jobs.control.publisher import ACKNOWLEDGED_SECONDS, Publisher
from stream_jobs.errors import StreamJobError
from warehouse.errors import WarehouseError
from warehouse.literals import masked

log = structlog.get_logger()
EVERY_SECONDS = 5.0
TROUBLE = (ProducerError, StreamJobError, WarehouseError)


@dataclass(slots=True)
class Finisher:
    """A thread of its own: publishing blocks while Kafka is away. What fails is logged and tried again."""

    publisher: Publisher
    stop: threading.Event
    every_seconds: float = EVERY_SECONDS
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self.keep, name="control outbox", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def join(self) -> None:
        """Waits for the round that runs, once `stop` is set."""
        self._thread.join(ACKNOWLEDGED_SECONDS)

    def keep(self) -> None:
        """Rounds until `stop` is set."""
        while not self.stop.wait(self.every_seconds):
            self.once()
        self.publisher.close()

    def once(self) -> None:
        """One round."""
        try:
            self.publisher.finish()
        except TROUBLE as failure:
            log.warning("control records wait to be published", reason=masked(str(failure))[:300])
        except Exception:
            # Not even what nobody expected may end the one thread that finishes what is stored.
            log.exception("control records wait to be published")
