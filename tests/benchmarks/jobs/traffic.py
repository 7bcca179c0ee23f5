"""Ordinary traffic beside a job, at a rate or as much as is applied: what it brings and how long it waits.

Most of it is of other organisations in all partitions, the rest of the job's own one, in its partition.
"""

import itertools
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl
from clickhouse_connect.driver.client import Client
from confluent_kafka import KafkaError, Message, Producer

from deploy.local.installation import Installation
from producers.envelopes.envelope import encode_envelope
from producers.synthetic.load import ENVELOPE_EVENTS, frames
from tests.benchmarks.jobs.stored import ids
from tests.running import client_of
from tokentally.envelope import ARROW_STREAM, HEADER_CONTENT_TYPE
from tokentally.partition import partition_of

SEED: Final = 12
POOL_EVENTS: Final = 150_000
"""Events that are sent again and again, each time with other ids and as old as the first time."""
SPAN_SECONDS: Final = 60
OWN_EVERY: Final = 20
"""One envelope in so many is of the job's organisation."""
STEADY_ENVELOPE_EVENTS: Final = 100
FIRST_NUMBER: Final = 1 << 40
"""Above the numbers of the stored events."""
LEAST_AHEAD: Final = 100_000
AHEAD_SECONDS: Final = 3
"""As much traffic waits in the log, so that the worker never does."""
LOOK_SECONDS: Final = 0.2
NEXT_FLUSH_SECONDS: Final = 60
PROGRESS: Final = "SELECT src_partition, max(applied_offset), max(seen) FROM partition_progress GROUP BY src_partition"
FLUSH_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Seen:
    """At a moment (Unix s): events applied so far, and how long (s) the envelopes waited that were applied since the
    look before."""

    moment: float
    events: int
    waits: tuple[float, ...]


@dataclass(slots=True)
class Traffic:
    """Sends from `start` to `stop`. rate: events per second; None: as many as are applied."""

    installation: Installation
    organization: str
    rate: int | None
    looks: list[Seen] = field(default_factory=list)
    sent: int = 0
    _pool: list[tuple[int, pl.DataFrame]] = field(default_factory=list)
    _made_at_ms: int = 0
    _number: int = FIRST_NUMBER
    _waiting: dict[int, deque[tuple[int, float]]] = field(default_factory=dict)
    """Offset and append time (Unix s) by partition."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def prepare(self) -> None:
        """Makes the events."""
        partitions, size = self.installation.settings.partitions, self._envelope_events
        start = datetime.now(UTC)
        self._made_at_ms = int(start.timestamp() * 1000) + SPAN_SECONDS * 1000
        made = frames(SEED, POOL_EVENTS, partitions, start=start, span_seconds=SPAN_SECONDS, envelope_events=size)
        home = partition_of(self.organization, partitions)
        for number, (partition, frame) in enumerate(made):
            self._pool.append((home, self._own(frame)) if number % OWN_EVERY == 0 else (partition, frame))

    def start(self) -> None:
        """Begins to send and to look."""
        self._stopped.clear()
        self.looks.clear()
        client = client_of(self.installation)
        self.looks.append(self._look(client))
        self._threads = [
            threading.Thread(target=self._send, daemon=True),
            threading.Thread(target=self._watch, args=(client,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Sends nothing more."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def between(self, since: float, until: float) -> list[Seen]:
        """The looks in a span of time (Unix s)."""
        return [look for look in list(self.looks) if since <= look.moment <= until]

    def rate_between(self, since: float, until: float) -> float:
        """Events per second between two flushes: the last one seen before a span of time and the first one after it.

        Waits for the latter; 0 when none came.
        """
        deadline = time.time() + NEXT_FLUSH_SECONDS
        while time.time() < deadline and not (later := [seen for seen in self._flushes() if seen.moment > until]):
            time.sleep(LOOK_SECONDS)
        flushes = self._flushes()
        first = max(
            (seen for seen in flushes if seen.moment <= since), key=lambda seen: seen.moment, default=flushes[0]
        )
        last = later[0] if later else flushes[-1]
        return (last.events - first.events) / (last.moment - first.moment) if last is not first else 0.0

    def _flushes(self) -> list[Seen]:
        """The first look, and every one that saw more applied than the one before."""
        looks = list(self.looks)
        return looks[:1] + [seen for before, seen in itertools.pairwise(looks) if seen.events > before.events]

    def oldest_waiting(self) -> float:
        """How long (s) the envelope has waited that waits the longest."""
        with self._lock:
            oldest = [queue[0][1] for queue in self._waiting.values() if queue]
        return max(0.0, time.time() - min(oldest)) if oldest else 0.0

    @property
    def _envelope_events(self) -> int:
        return ENVELOPE_EVENTS if self.rate is None else STEADY_ENVELOPE_EVENTS

    def _own(self, frame: pl.DataFrame) -> pl.DataFrame:
        """None is late: late ones would come to the days of the stored events, which are counted."""
        end = datetime.fromtimestamp(self._made_at_ms / 1000, UTC)
        times = pl.Series("time", [end]).cast(pl.Datetime("ms", "UTC")).new_from_index(0, len(frame))
        return frame.with_columns(
            times, pl.lit(self.organization).alias("organization"), pl.format("live-{}", "user_id").alias("user_id")
        )

    def _send(self) -> None:
        producer = Producer(
            {
                "bootstrap.servers": self.installation.plan.kafka_bootstrap,
                "enable.idempotence": True,
                "linger.ms": 5,
                "log_level": 0,
            }
        )
        headers: list[tuple[str, str | bytes | None]] = [(HEADER_CONTENT_TYPE, ARROW_STREAM.encode())]
        began, topic, before = time.monotonic(), self.installation.settings.events_topic, self.sent
        for partition, frame in self._fresh():
            while not self._stopped.is_set() and not self._is_due(time.monotonic() - began, self.sent - before):
                producer.poll(0.01)
            if self._stopped.is_set():
                break
            value = encode_envelope(frame)
            producer.produce(topic, value, partition=partition, headers=headers, on_delivery=self._noted)
            self.sent += len(frame)
            producer.poll(0)
        producer.flush(FLUSH_SECONDS)

    def _fresh(self) -> Iterator[tuple[int, pl.DataFrame]]:
        while True:
            for partition, frame in self._pool:
                shift = int(time.time() * 1000) - self._made_at_ms
                times = frame["time"].dt.epoch("ms") + shift
                own = ids(times.to_numpy().astype(np.int64), self._number)
                self._number += len(frame)
                yield partition, frame.with_columns(own, times.cast(pl.Datetime("ms", "UTC")).alias("time"))

    def _is_due(self, seconds: float, sent: int) -> bool:
        if self.rate is not None:
            return sent <= self.rate * seconds
        looks = self.looks[-round(AHEAD_SECONDS / LOOK_SECONDS) :]
        applied = looks[-1].events - self.looks[0].events
        return sent - applied < max(LEAST_AHEAD, looks[-1].events - looks[0].events)

    def _noted(self, failure: KafkaError | None, message: Message) -> None:
        partition, offset = message.partition(), message.offset()
        if failure is not None or partition is None or offset is None:
            raise SystemExit(f"Kafka did not take an envelope: {failure}")
        with self._lock:
            self._waiting.setdefault(partition, deque()).append((offset, message.timestamp()[1] / 1000))

    def _watch(self, client: Client) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            self.looks.append(self._look(client))

    def _look(self, client: Client) -> Seen:
        rows = client.query(PROGRESS).result_rows
        now, waits = time.time(), []
        with self._lock:
            for partition, applied, _ in rows:
                queue = self._waiting.get(partition, deque())
                while queue and queue[0][0] <= applied:
                    waits.append(now - queue.popleft()[1])
        return Seen(now, sum(int(seen) for *_, seen in rows), tuple(waits))
