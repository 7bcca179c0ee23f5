"""The client: facts of one call in, an event at the collector a moment later; never in the way of its caller."""

import atexit
import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from .delivery import CollectorConnection, Delivered, Refused, TooLarge, TryAgain
from .errors import reasons
from .event_queue import EventQueue, QueuedEvent
from .identity import parse_event_uuid
from .usage_event import UsageEvent
from .uuid7 import unix_ms_of, uuid7

logger = logging.getLogger("tokentally")

_BATCH_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ClientCounts:
    """What became of the events so far; the rest is still waiting.

    sent: stored by the collector. rejected: refused as invalid, here or by the collector. dropped: given up because
    the queue was full, the collector refused the batch, or the client was closed.
    """

    sent: int = 0
    rejected: int = 0
    dropped: int = 0


class Client:
    """Sends usage events to a collector from a background thread.

    `record` neither blocks nor raises: events wait in a bounded queue (max_queued_events, max_queued_bytes) and are
    dropped, counted and logged once when it is full. Batches are tried again for as long as the process lives, waiting
    between first_retry_seconds and longest_retry_seconds. At interpreter exit the client is closed, which waits
    exit_seconds for the rest. Safe to share between threads; after a fork the child starts with an empty queue.

    Raises ValueError when `url` or `key` cannot be used.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        max_queued_events: int = 10_000,
        max_queued_bytes: int = 16_000_000,
        batch_events: int = 500,
        linger_seconds: float = 0.2,
        timeout_seconds: float = 10.0,
        first_retry_seconds: float = 0.25,
        longest_retry_seconds: float = 30.0,
        exit_seconds: float = 5.0,
    ) -> None:
        self._connect = partial(CollectorConnection, url, key, timeout_seconds=timeout_seconds)
        self._new_queue = partial(EventQueue, max_events=max_queued_events, max_bytes=max_queued_bytes)
        self._batch_events = batch_events
        self._linger_seconds = linger_seconds
        self._first_retry_seconds = first_retry_seconds
        self._longest_retry_seconds = longest_retry_seconds
        self._exit_seconds = exit_seconds
        self._start_afresh()
        _clients.add(self)

    def _start_afresh(self) -> None:
        self._connection = self._connect()
        self._queue = self._new_queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._counts = ClientCounts()
        self._logged: set[str] = set()

    @property
    def counts(self) -> ClientCounts:
        """What became of the events so far."""
        with self._lock:
            return self._counts

    def record(self, **fields: Any) -> str:
        """Queues one event with these fields of UsageEvent and returns its event_id ("" when it is invalid).

        event_id (a UUIDv7) and time (now) are made here when absent, before any retry, so that an event is counted
        once however often it is sent. `organization` may be left out: the key decides. None means absent.
        """
        try:
            event = encoded(fields)
        except ValidationError as refused:
            self._count(rejected=1)
            logger.warning("usage event refused: %s", "; ".join(reasons(refused)))
            return ""
        except Exception:  # A broken field must not break the call it describes.
            self._count(rejected=1)
            logger.exception("usage event refused")
            return ""
        try:
            self._ensure_thread()
        except RuntimeError as failure:  # The interpreter is shutting down, or has no thread left.
            self._drop(1, f"no thread could be started: {failure}")
            return event.event_id
        if not self._queue.put(event):
            self._drop(1, "the queue is full or the client is closed")
        return event.event_id

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Waits until everything recorded so far is sent or given up; False when time runs out first."""
        return self._queue.wait_settled(timeout_seconds)

    def close(self, timeout_seconds: float | None = None) -> bool:
        """Flushes, then stops for good; False when events were left behind, which are dropped. May be repeated."""
        in_time = self.flush(self._exit_seconds if timeout_seconds is None else timeout_seconds)
        self._queue.close()
        if self._thread is not None:
            self._thread.join(0.5)
        if not in_time:
            self._drop(self._queue.unsettled_count, "the client was closed before they were sent")
        _clients.discard(self)
        if self.counts.dropped:
            logger.warning("%d usage events were dropped in all", self.counts.dropped)
        return in_time

    def _ensure_thread(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    thread = threading.Thread(target=self._send_batches, name="tokentally", daemon=True)
                    thread.start()
                    self._thread = thread

    def _send_batches(self) -> None:
        queue, connection = self._queue, self._connection
        while batch := queue.take(
            max_events=self._batch_events, max_bytes=_BATCH_BYTES, linger_seconds=self._linger_seconds
        ):
            self._deliver(batch)
        connection.close()

    def _deliver(self, batch: list[QueuedEvent]) -> None:
        """Sends until every event of the batch is settled or the client is closed."""
        attempts = 0
        while True:
            outcome = self._connection.send([event.line for event in batch])
            if isinstance(outcome, Delivered):
                self._count_delivered(batch, outcome)
                return self._queue.settle(batch)
            if isinstance(outcome, TooLarge) and len(batch) > 1:
                middle = len(batch) // 2
                self._deliver(batch[:middle])
                return self._deliver(batch[middle:])
            if isinstance(outcome, (Refused, TooLarge)):
                self._drop(len(batch), f"the collector refused them: {outcome.reason}")
                return self._queue.settle(batch)
            self._log_once("the collector cannot be reached, trying again: " + outcome.reason.partition(":")[0])
            if self._queue.wait_closed(self._pause_seconds(outcome, attempts)):
                return None
            attempts += 1

    def _pause_seconds(self, outcome: TryAgain, attempts: int) -> float:
        if outcome.wait_seconds is not None:
            # Jitter on top, or every client comes back in the same instant.
            asked = min(outcome.wait_seconds, self._longest_retry_seconds)
            return asked + random.uniform(0, self._first_retry_seconds)
        ceiling = min(self._first_retry_seconds * 2 ** min(attempts, 16), self._longest_retry_seconds)
        return random.uniform(ceiling / 2, ceiling)

    def _count_delivered(self, batch: list[QueuedEvent], outcome: Delivered) -> None:
        for index, reason in outcome.rejections:
            event_id = batch[index].event_id if 0 <= index < len(batch) else "?"
            logger.warning("usage event %s refused by the collector: %s", event_id, reason)
        self._count(sent=len(batch) - len(outcome.rejections), rejected=len(outcome.rejections))

    def _count(self, *, sent: int = 0, rejected: int = 0, dropped: int = 0) -> None:
        with self._lock:
            counts = self._counts
            self._counts = replace(
                counts,
                sent=counts.sent + sent,
                rejected=counts.rejected + rejected,
                dropped=counts.dropped + dropped,
            )

    def _drop(self, count: int, reason: str) -> None:
        self._count(dropped=count)
        self._log_once(f"usage events are dropped: {reason}")

    def _log_once(self, message: str) -> None:
        if message not in self._logged:
            self._logged.add(message)
            logger.warning("%s", message)


def encoded(fields: Mapping[str, Any]) -> QueuedEvent:
    """The event of these fields, checked and written as JSON, with event_id and time if they were absent.

    Raises ValidationError when it is no valid event.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    now_ms = time.time_ns() // 1_000_000
    event_id = str(given.setdefault("event_id", uuid7(now_ms)))
    given["event_id"] = event_id
    event_uuid = parse_event_uuid(event_id)
    if "time" not in given and (event_uuid is None or unix_ms_of(event_uuid) is None):
        given["time"] = datetime.fromtimestamp(now_ms / 1000, timezone.utc)
    left_out = set() if "organization" in given else {"organization"}
    event = UsageEvent.model_validate({"organization": "-", **given})
    return QueuedEvent(event_id, event.model_dump_json(exclude_defaults=True, exclude=left_out).encode())


_clients: "weakref.WeakSet[Client]" = weakref.WeakSet()


def _close_all() -> None:
    for client in list(_clients):
        client.close()


def _restart_all_after_fork() -> None:
    # Threads do not survive a fork, locks may be held forever, and the parent sends what it had queued.
    for client in list(_clients):
        client._start_afresh()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_all_after_fork)
