"""What the collector knows of the log: records in, positions or failures out; Kafka or a fake is behind it."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from producers.errors import KafkaUnavailable


@dataclass(frozen=True, slots=True)
class Record:
    """One message. partition None: any."""

    topic: str
    value: bytes
    partition: int | None = None
    key: bytes | None = None
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the log stored a record."""

    partition: int
    offset: int


Outcome = Position | KafkaUnavailable
"""A failure is a value here: many requests wait for one record, and some may be gone."""


class EventLog(Protocol):
    """Used from one event loop."""

    async def start(self) -> None:
        """Connects in the background; the log may still be unavailable afterwards."""

    def unavailable(self) -> str | None:
        """Why a record would not be stored now; None when nothing speaks against it."""

    def append(self, record: Record) -> "asyncio.Future[Outcome]":
        """Sends at once; done when all replicas have the record, or it is sure that waiting longer does not help."""

    async def close(self) -> None:
        """Waits for what is under way, then lets go. Nothing is appended afterwards."""
