"""Events for the collector at a steady rate: bodies made beforehand, so that sending them costs next to nothing."""

import gzip
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl
import zstandard

from producers.synthetic.load import frames
from tests.benchmarks.lines import ndjson_of

SEED = 2
TICK_SECONDS = 0.1
TIME = b'"time":"'
TIME_LENGTH = len("2026-11-21T08:00:00.000Z")


@dataclass(slots=True)
class SteadyLoad:
    """One body per tick; its events are created evenly over the tick that ends when it is sent."""

    per_tick: int
    bodies: list[bytes]
    started: float
    """When the first tick begins (Unix seconds)."""
    created: pl.DataFrame
    """event_id and the time it was created (Unix seconds) of every event."""
    posted: list[float] = field(default_factory=list)
    """When each body was sent."""
    failed: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, rate: int, seconds: float) -> "SteadyLoad":
        """Prepares everything; `started` is a little later than its return. Every event is new and on time."""
        per_tick, ticks = max(1, round(rate * TICK_SECONDS)), round(seconds / TICK_SECONDS)
        source = frames(SEED, 2 * per_tick * ticks, 1, envelope_events=per_tick)
        fresh = (frame.unique("event_id", maintain_order=True) for _, frame in source)
        chosen = [next(fresh) for _ in range(ticks)]
        lines = [zstandard.decompress(ndjson_of(frame)).split(b"\n") for frame in chosen]
        began = time.time()
        gzip.compress(b"\n".join(lines[0]), 1)
        started = began + 2 * (time.time() - began) * ticks + 1.0
        bodies, created = [], []
        for number, (frame, texts) in enumerate(zip(chosen, lines, strict=True)):
            moments = [started + TICK_SECONDS * (number + (at + 1) / len(texts)) for at in range(len(texts))]
            bodies.append(gzip.compress(b"\n".join(map(_stamped, texts, moments)), 1))
            created.append(frame.select("event_id", tick=pl.lit(number)).with_columns(created=pl.Series(moments)))
        if time.time() > started:
            raise SystemExit("preparing the bodies took longer than foreseen: the machine is too busy")
        # An id may come again in a later tick; the first counts.
        known = pl.concat(created).unique("event_id", keep="first", maintain_order=True)
        return cls(per_tick, bodies, started, known)

    def send(self, address: str, key: str) -> None:
        """Sends every body when its tick ends; returns when all are answered."""
        threads = []
        for number, body in enumerate(self.bodies):
            time.sleep(max(0.0, self.started + (number + 1) * TICK_SECONDS - time.time()))
            self.posted.append(time.time())
            thread = threading.Thread(target=self._post, args=(address, key, body), daemon=True)
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join(30)

    def _post(self, address: str, key: str, body: bytes) -> None:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        request = urllib.request.Request(f"{address}?detail=summary", data=body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                answer.read()
        except OSError as failure:
            self.failed.append(str(failure))

    @property
    def events(self) -> int:
        """Different events."""
        return len(self.created)

    @property
    def behind_seconds(self) -> float:
        """How late the latest body was sent: above a tick, the generator was the bottleneck."""
        due = (self.started + (number + 1) * TICK_SECONDS for number in range(len(self.posted)))
        return max(sent - planned for sent, planned in zip(self.posted, due, strict=True))


def _stamped(line: bytes, moment: float) -> bytes:
    head, _, tail = line.partition(TIME)
    text = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return head + TIME + text.encode() + tail[TIME_LENGTH:]
