"""How much the collector holds at once: bytes of unanswered requests, bounded."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Gauge

from producers.errors import Busy


class Room:
    """Counts bytes in flight against a limit; used from one event loop."""

    def __init__(self, limit_bytes: int, gauge: Gauge) -> None:
        self._limit_bytes = limit_bytes
        self._gauge = gauge
        self.used_bytes = 0

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """What one request holds, given back at its end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.used_bytes -= share.bytes
            self._gauge.set(self.used_bytes)

    def take(self, size: int) -> None:
        """Raises Busy when there is no room for so many bytes more."""
        if self.used_bytes + size > self._limit_bytes:
            raise Busy("the collector holds as many unanswered requests as it may: send the same again a little later")
        self.used_bytes += size
        self._gauge.set(self.used_bytes)


class Share:
    """The bytes of one request."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.bytes = 0

    def grow(self, size: int) -> None:
        """Raises Busy when there is no room."""
        self._room.take(size)
        self.bytes += size
