"""Memory of a worker with more live rows than it may keep: what it takes, how fast it goes on, whether it counts right.

`./tally benchmark memory [--keys 5000000] [--rows-in-memory 2000000] [--events N]`. The worker's own code on the
embedded warehouse, without Kafka. First every key is touched once, all in the same quarter hour; then events fall on
the keys by a power law (half of them on one key in sixteen). At the end every row is compared with a plain count.
"""

import argparse
import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl
import psutil
import structlog
from clickhouse_connect.driver.client import Client

from producers.envelopes import arrow
from producers.envelopes.columns import COLUMNS
from stream_jobs.keys.slots import Numbers
from stream_jobs.worker import app, needed_rows
from stream_jobs.worker.loading import load_rows
from stream_jobs.worker.sink import Sink
from tests.benchmarks.machine import stolen_seconds
from tests.stream_jobs.worker.sent import Event, Log, Message, rules
from tests.stream_jobs.worker.simulation import GENERATION, QuietBeat, SimulatedWorker, raised
from tests.warehouse.engine import running
from tokentally.envelope import ARROW_STREAM

ENVELOPE_EVENTS, ENVELOPES = 1000, 64
QUARTER = datetime(2026, 9, 1, 12, tzinfo=UTC)
STEEPNESS = 4
"""Events fall on key number keys x u ** STEEPNESS, u being even: 1 in 16 keys gets half of them."""
REPORT_EVENTS = 500_000
ABSENT = dict.fromkeys(("rating", "duration_ms", "time_to_first_token_ms", "reported_cost_nano_usd"))
STORED = """SELECT requests, count() FROM rollup FINAL WHERE grain = 'quarter' GROUP BY requests ORDER BY requests"""
KEY = "cityHash64(organization, user_id, feature) % 1000"
ROLLED_UP = f"SELECT count(), sum(requests), sum({KEY} * requests) FROM rollup FINAL WHERE grain = 'quarter'"
RAW = f"SELECT count(), sum({KEY}) FROM usage_raw FINAL"
"""Every key weighs something else, so that what is counted on the wrong row shows."""


@dataclass
class Flood:
    """Takes of events without end, as Faust hands them over; what building them takes is not counted."""

    worker: SimulatedWorker
    keys: int
    organizations: int
    events: int
    report: Callable[[str, int], None]
    count: Numbers = field(init=False)
    building_seconds: float = 0.0
    longest_take_ms: float = 0.0

    def __post_init__(self) -> None:
        self.count = np.zeros(self.keys, np.int64)

    async def ack(self, event: Event) -> None:
        """Unused: the worker's acknowledgements are recorded by itself."""

    async def noack_take(self, _max: int, within: float) -> AsyncIterator[list[Event]]:
        del within
        chance, offsets, sent = np.random.default_rng(1), {0: 0, 1: 0}, 0
        for kind, part in self._parts(chance):
            began = time.perf_counter()
            self.count += np.bincount(part, minlength=self.keys)
            taken = list(self._envelopes(part, sent, offsets))
            self.building_seconds += time.perf_counter() - began
            began = time.perf_counter()
            yield taken
            await self.worker._turn()
            self.longest_take_ms = max(self.longest_take_ms, (time.perf_counter() - began) * 1000)
            sent += len(part)
            self.report(kind, sent)
        await self.worker.flusher.drain(self.worker.state)

    def _parts(self, chance: np.random.Generator) -> Iterator[tuple[str, Numbers]]:
        size = ENVELOPE_EVENTS * ENVELOPES
        first = chance.permutation(self.keys)
        for start in range(0, self.keys, size):
            yield "new keys", first[start : start + size]
        for start in range(0, self.events, size):
            drawn = chance.random(min(size, self.events - start)) ** STEEPNESS
            yield "power law", (drawn * self.keys).astype(np.int64)

    def _envelopes(self, keys: Numbers, sent: int, offsets: dict[int, int]) -> Iterator[Event]:
        frame = framed(keys, sent, self.organizations)
        homes = rules().routing.homes(frame["organization"])
        for partition in offsets:
            mine = frame.filter(homes == partition)
            for start in range(0, mine.height, ENVELOPE_EVENTS):
                value = arrow.encode(mine.slice(start, ENVELOPE_EVENTS))
                headers = {"content-type": ARROW_STREAM.encode()}
                place = (partition, offsets[partition], QUARTER.timestamp() + 600)
                offsets[partition] += 1
                yield Event(Message(*place, headers, value, GENERATION))


def framed(keys: Numbers, sent: int, organizations: int) -> pl.DataFrame:
    """One event per key; a key is a user of an organisation who uses one of three features."""
    number = pl.Series("number", keys)
    ids = np.zeros((len(keys), 16), np.uint8)
    ids[:, 8:] = np.arange(sent, sent + len(keys), dtype=">u8").view(np.uint8).reshape(-1, 8)
    users = number // organizations
    told = {
        "event_id": pl.Series([row.tobytes() for row in ids], dtype=pl.Binary),
        "time": pl.Series([QUARTER], dtype=pl.Datetime("ms", "UTC")).new_from_index(0, len(keys)),
        "organization": pl.select(pl.format("org-{}", number % organizations)).to_series(),
        "user_id": pl.select(pl.format("user-{}", users // 3)).to_series(),
        "feature": pl.select(pl.format("feature-{}", users % 3)).to_series(),
    }
    constant = {"provider": "maker", "model": "large", "status": "success", "billing_type": "SYSTEM"}
    constant |= {"event_type": "token_usage", "plan": "PRO"}
    columns = []
    for name, kind in COLUMNS.items():
        if name in told:
            columns.append(told[name].alias(name))
            continue
        default = constant.get(name, "") if kind == pl.String else ABSENT.get(name, 0)
        columns.append(pl.Series(name, [default], dtype=kind).new_from_index(0, len(keys)))
    return pl.DataFrame(columns)


@dataclass
class Reporter:
    """Prints a line per REPORT_EVENTS: rate, memory, rows, loads."""

    worker: SimulatedWorker
    flood: Flood | None = None
    loads: int = 0
    loaded: int = 0
    _next: int = REPORT_EVENTS
    _since: float = field(default_factory=time.perf_counter)
    _sent: int = 0

    def counted(self, original: Callable[..., pl.DataFrame]) -> Callable[..., pl.DataFrame]:
        """The loader, counting."""

        def load(*arguments: Any) -> pl.DataFrame:
            rows = original(*arguments)
            self.loads, self.loaded = self.loads + 1, self.loaded + rows.height
            return rows

        return load

    def __call__(self, kind: str, sent: int) -> None:
        if sent < self._next or self.flood is None:
            return
        seconds = time.perf_counter() - self._since - self.flood.building_seconds
        state = self.worker.state
        print(
            f"{kind:10} {sent:>11,} events  {(sent - self._sent) / seconds:>8,.0f}/s  RSS {rss_mb():>5,} MB  "
            f"rows {state.rows_in_memory:>9,}  evicted keys {sum(s.evicted for s in state.stores):>9,}  "
            f"loads {self.loads:>3} of {self.loaded:>9,} rows  longest take {self.flood.longest_take_ms:>6,.0f} ms",
            flush=True,
        )
        self.loads = self.loaded = 0
        self.flood.longest_take_ms = self.flood.building_seconds = 0.0
        self._sent, self._next, self._since = sent, sent + REPORT_EVENTS, time.perf_counter()


def rss_mb() -> int:
    """Resident memory of this process."""
    return int(psutil.Process().memory_info().rss) >> 20


def run(keys: int, rows_in_memory: int, events: int, organizations: int) -> bool:
    """One run; whether every row is right."""
    with (
        tempfile.TemporaryDirectory(prefix="tally-benchmark-") as folder,
        running(Path(folder) / "engine") as engine,
        engine.database() as (client, _),
    ):
        sink = Sink(client, QuietBeat(Path(folder), "benchmark"))
        worker = SimulatedWorker(Log([]), sink, 200_000, Path(folder) / "attempts", rules(), rows_in_memory)
        reporter = Reporter(worker)
        flood = reporter.flood = Flood(worker, keys, organizations, events, reporter)
        print(f"{keys:,} keys of {organizations:,} organisations in one quarter hour, cap {rows_in_memory:,} rows")
        print(f"RSS at the start {rss_mb():,} MB", flush=True)
        started, stolen = time.monotonic(), stolen_seconds()
        with patch.object(needed_rows, "load_rows", reporter.counted(load_rows)), patch.object(app, "leave", raised):
            asyncio.run(lived(worker, flood))
        seconds = time.monotonic() - started
        share = (stolen_seconds() - stolen) / seconds / (psutil.cpu_count() or 1)
        print(f"{seconds:,.0f} s, stolen {share:.0%}, RSS at the end {rss_mb():,} MB")
        return is_right(client, flood.count)


def is_right(client: Client, count: Numbers) -> bool:
    """Whether the stored rows are as many per number of requests as were sent, and each has its own."""
    touched = np.bincount(count)
    expected = [(int(requests), int(touched[requests])) for requests in np.flatnonzero(touched) if requests]
    rows = [tuple(row) for row in client.query(STORED).result_rows]
    ((stored, requests, weight),) = client.query(ROLLED_UP).result_rows
    ((raw, raw_weight),) = client.query(RAW).result_rows
    right = bool(rows == expected and (requests, weight) == (raw, raw_weight) and requests == count.sum())
    print(f"stored: {stored:,} rows of {requests:,} requests: {'every row right' if right else 'WRONG'}")
    return right


async def lived(worker: SimulatedWorker, flood: Flood) -> None:
    """The worker's life."""
    worker.assign()
    await worker._turn()
    await worker._consume(flood)


def main() -> None:
    """One run; exits 1 when a row is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=5_000_000)
    parser.add_argument("--rows-in-memory", type=int, default=2_000_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--organizations", type=int, default=10_000)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if not run(given.keys, given.rows_in_memory, given.events, given.organizations):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
