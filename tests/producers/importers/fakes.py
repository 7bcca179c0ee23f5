"""A collector in memory: keeps each event once by id, refuses what it is told to refuse, dies when it is told to."""

from collections.abc import Sequence

from producers.importers.collector_client import Receipt
from producers.importers.errors import CollectorUnavailable
from producers.importers.importer import Event


class FakeCollector:
    """One partition; dies_before, dies_after: number of the batch around which it is gone (after: it was stored)."""

    address = "http://collector.test"

    def __init__(self, *, dies_before: int | None = None, dies_after: int | None = None) -> None:
        self.events: dict[object, Event] = {}
        self.batches: list[int] = []
        self.refused_models: set[str] = set()
        self._dies_before = dies_before
        self._dies_after = dies_after

    def send(self, events: Sequence[Event]) -> Receipt:
        number = len(self.batches)
        if number == self._dies_before:
            raise CollectorUnavailable("gone")
        self.batches.append(len(events))
        rejections = [
            (place, "no such model") for place, event in enumerate(events) if event.get("model") in self.refused_models
        ]
        refused = {place for place, _ in rejections}
        self.events |= {event["event_id"]: event for place, event in enumerate(events) if place not in refused}
        if number == self._dies_after:
            raise CollectorUnavailable("gone before it could answer")
        return Receipt(len(events) - len(refused), rejections, {0: number})
