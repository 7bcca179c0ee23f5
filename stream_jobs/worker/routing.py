"""Where events belong: organisations in, log partitions out; strangers packed for their own partition (rule E18)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from producers.envelopes.columns import COLUMNS
from producers.envelopes.envelope import encode_envelope
from tokentally import partition_of
from tokentally.envelope import MAX_EVENTS, MAX_WIRE_BYTES


@dataclass(frozen=True, slots=True)
class Forwarded:
    """An envelope of events that reached the wrong partition, and the Kafka partition they belong to."""

    partition: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Routing:
    """The contract's partition rule for this generation of the topic.

    first: the log partition number of Kafka partition 0. overrides: organisations with a partition of their own.
    """

    partitions: int
    first: int = 0
    overrides: Mapping[str, int] = field(default_factory=dict)

    @property
    def all(self) -> range:
        """The log partitions of this generation."""
        return range(self.first, self.first + self.partitions)

    def homes(self, organizations: pl.Series) -> pl.Series:
        """The log partition of each event's organisation."""
        names = organizations.unique().to_list()
        numbers = [self.first + partition_of(name, self.partitions, self.overrides) for name in names]
        return organizations.replace_strict(names, numbers, return_dtype=pl.UInt16)

    def forwarded(self, strangers: pl.DataFrame) -> list[Forwarded]:
        """The strangers as envelopes for their own partitions."""
        homes = self.homes(strangers["organization"])
        envelopes = []
        for home in homes.unique(maintain_order=True).to_list():
            mine = strangers.filter(homes == home).select(COLUMNS.names())
            values = (value for part in mine.iter_slices(MAX_EVENTS) for value in _sendable(part))
            envelopes += [Forwarded(home - self.first, value) for value in values]
        return envelopes


def _sendable(events: pl.DataFrame) -> list[bytes]:
    """The events as one envelope, or as several where one would be more than Kafka takes; a single one always fits."""
    value = encode_envelope(events)
    if len(value) <= MAX_WIRE_BYTES or events.height == 1:
        return [value]
    half = events.height // 2
    return _sendable(events[:half]) + _sendable(events[half:])
