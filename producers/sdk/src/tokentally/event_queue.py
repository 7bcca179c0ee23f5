"""The bounded queue between callers and the sending thread: encoded events in, batches out, drops counted."""

import threading
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """An event ready to be sent, and the id to speak of it in logs."""

    event_id: str
    line: bytes


class EventQueue:
    """First in, first out, bounded by events and bytes; what the batch in flight holds counts until it is settled.

    Any thread may put and wait; one thread takes batches and settles each before it takes the next.
    """

    def __init__(self, *, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._events: deque[QueuedEvent] = deque()
        self._held_bytes = 0
        self._put_count = 0
        self._settled_count = 0
        self._hurried = 0
        self._closed = False

    @property
    def unsettled_count(self) -> int:
        """Events put and not settled yet."""
        with self._changed:
            return self._put_count - self._settled_count

    def put(self, event: QueuedEvent) -> bool:
        """Queues the event; False, at once, when the queue is full or closed."""
        with self._changed:
            full = self._put_count - self._settled_count >= self._max_events
            if self._closed or full or self._held_bytes + len(event.line) > self._max_bytes:
                return False
            self._events.append(event)
            self._held_bytes += len(event.line)
            self._put_count += 1
            self._changed.notify_all()
            return True

    def take(self, *, max_events: int, max_bytes: int, linger_seconds: float) -> list[QueuedEvent]:
        """The next batch, at least one event; waits for the first, then up to `linger_seconds` for more.

        Empty once the queue is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._closed)
            self._changed.wait_for(
                lambda: len(self._events) >= max_events or self._hurried or self._closed, linger_seconds
            )
            batch: list[QueuedEvent] = []
            batch_bytes = 0
            while self._events and not self._closed and len(batch) < max_events:
                batch_bytes += len(self._events[0].line)
                if batch and batch_bytes > max_bytes:
                    break
                batch.append(self._events.popleft())
            return batch

    def settle(self, batch: list[QueuedEvent]) -> None:
        """These events are done with, however they ended."""
        with self._changed:
            self._settled_count += len(batch)
            self._held_bytes -= sum(len(event.line) for event in batch)
            self._changed.notify_all()

    def wait_settled(self, timeout_seconds: float) -> bool:
        """Waits until everything put so far is settled, sending without lingering; False when time runs out."""
        with self._changed:
            target = self._put_count
            self._hurried += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: self._settled_count >= target, timeout_seconds)
            finally:
                self._hurried -= 1

    def wait_closed(self, timeout_seconds: float) -> bool:
        """Waits; True as soon as the queue is closed."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, timeout_seconds)

    def close(self) -> None:
        """Nothing is put or taken any more; waiting threads return."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
