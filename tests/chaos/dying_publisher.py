"""Publishes control records and dies where it is told: `python -m tests.chaos.dying_publisher`; a test tool.

Lines of JSON in: a record's words, and `die`: "stored" (once the record is stored), "sent N" (once N partitions took
it) or "noted N" (once N publications are noted). A line out for each that was published. While nothing comes, it
publishes what others left, as the commands of an installation do.
"""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import structlog
from confluent_kafka import Producer

from producers.control.record import ControlRecord
from stream_jobs.control import publisher as publishing
from stream_jobs.control.publisher import Publisher
from stream_jobs.control.settings import ControlSettings
from tests.chaos.clock import Clock
from warehouse.client import connect
from warehouse.control import outbox
from warehouse.errors import WarehouseUnavailable

LOOK_SECONDS = 1.0
AGAIN_SECONDS = 0.5
HASTE = timedelta(seconds=18)
"""How much sooner than others it takes a record for one that was left."""


class Death:
    """Counts what happens to one record, and ends the process where it is told."""

    def __init__(self) -> None:
        self.place = ""
        self._counts: dict[str, int] = {}

    def expect(self, place: str) -> None:
        """From now on, at this place."""
        self.place, self._counts = place, {}

    def happens(self, what: str, before: Callable[[], object] = lambda: None) -> None:
        """Something has happened; before: what is still to be done when it is the last."""
        self._counts[what] = self._counts.get(what, 0) + 1
        if self.place in (what, f"{what} {self._counts[what]}"):
            before()
            os.kill(os.getpid(), signal.SIGKILL)


DEATH = Death()
CLOCK = Clock.of_environment()


class DyingProducer(Producer):
    """Dies when enough partitions took a record."""

    def produce(self, *what: Any, **how: Any) -> None:
        """Hands a record to the client."""
        super().produce(*what, **(how | {"timestamp": CLOCK.now_ms()}))
        DEATH.happens("sent", before=lambda: self.flush(20))


def dying() -> None:
    """Puts the places of death between the steps of the real publisher."""
    store, note = outbox.store, outbox.note_published

    def stored(*what: Any) -> bool:
        fresh = store(*what)
        DEATH.happens("stored")
        return fresh

    def noted(*what: Any) -> None:
        note(*what)
        DEATH.happens("noted")

    outbox.store = stored  # type: ignore[assignment]
    outbox.note_published = noted  # type: ignore[assignment]
    publishing.Producer = DyingProducer  # type: ignore[attr-defined]


T = TypeVar("T")


def insisting(act: Callable[[], T]) -> T:
    """Does it as often as it takes."""
    while True:
        try:
            return act()
        except WarehouseUnavailable:
            time.sleep(AGAIN_SECONDS)


def main() -> None:
    """Until the input ends."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # the output is for answers
    dying()
    publisher = Publisher(ControlSettings(), insisting(connect))
    while True:
        if not select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
            DEATH.expect("")
            insisting(lambda: publisher.finish(datetime.now(UTC) + HASTE))
        elif line := sys.stdin.readline():
            told = json.loads(line)
            DEATH.expect(told.pop("die"))
            record = ControlRecord(**told, created=datetime.now(UTC))
            insisting(lambda asked=record: publisher.ask(asked))  # type: ignore[misc]
            print(record.control_id, flush=True)
        else:
            return


if __name__ == "__main__":
    main()
