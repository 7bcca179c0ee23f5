"""Packs events of concurrent requests into envelopes: a pure policy, without clock and without Kafka."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import polars as pl

from producers.collector.intake import Part

Outcome = TypeVar("Outcome")


@dataclass(slots=True, eq=False)
class Envelope(Generic[Outcome]):
    """An envelope that fills: frames of one partition, their number of events, an upper bound of their bytes."""

    partition: int
    outcome: Outcome
    frames: list[pl.DataFrame] = field(default_factory=list)
    events: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Slot(Generic[Outcome]):
    """Where rows `first` to `first + count - 1` of a part went: from position `start` of an envelope."""

    envelope: Envelope[Outcome]
    first: int
    count: int
    start: int


@dataclass(frozen=True, slots=True)
class Packed(Generic[Outcome]):
    """closed: envelopes to send now. opened: one that now waits for more, if it is new."""

    slots: list[Slot[Outcome]]
    closed: list[Envelope[Outcome]]
    opened: Envelope[Outcome] | None


class Packer(Generic[Outcome]):
    """One open envelope per partition; whoever owns the clock closes those that waited long enough."""

    def __init__(self, max_events: int, max_bytes: int, new_outcome: Callable[[], Outcome]) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._new_outcome = new_outcome
        self._open: dict[int, Envelope[Outcome]] = {}

    def put(self, part: Part) -> Packed[Outcome]:
        """Places every row of the part, in order. A single row larger than an envelope gets one of its own."""
        slots: list[Slot[Outcome]] = []
        closed: list[Envelope[Outcome]] = []
        before = self._open.get(part.partition)
        row, height = 0, len(part.sizes)
        while row < height:
            envelope = self._open.get(part.partition)
            if envelope is None:
                envelope = self._open[part.partition] = Envelope(part.partition, self._new_outcome())
            count = self._fitting(envelope, part, row)
            if count:
                slots.append(Slot(envelope, row, count, envelope.events))
                envelope.frames.append(part.frame if count == height else part.frame.slice(row, count))
                envelope.events += count
                envelope.bytes += int(part.sizes[row : row + count].sum())
                row += count
            if row < height or envelope.events >= self._max_events:
                closed.append(envelope)
                del self._open[part.partition]
        after = self._open.get(part.partition)
        return Packed(slots, closed, after if after is not before else None)

    def close(self, envelope: Envelope[Outcome]) -> bool:
        """Whether the envelope was still open; it takes nothing more."""
        if self._open.get(envelope.partition) is not envelope:
            return False
        del self._open[envelope.partition]
        return True

    def close_all(self) -> list[Envelope[Outcome]]:
        """All open envelopes, closed."""
        closed = list(self._open.values())
        self._open.clear()
        return closed

    def _fitting(self, envelope: Envelope[Outcome], part: Part, row: int) -> int:
        sizes = part.sizes[row : row + self._max_events - envelope.events]
        fitting = int(np.searchsorted(sizes.cumsum(), self._max_bytes - envelope.bytes, side="right"))
        return fitting if fitting or envelope.events else 1
