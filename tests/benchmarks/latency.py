"""Event-to-visible delay: an event's creation until a query on the rollup with FINAL counts it.

`./tally benchmark latency [--rate N] [--seconds S]`. Events go through the collector in batches every
100 ms, each created evenly over them; a query loop asks which positions the rollup holds. Its own duration counts in.
"""

import argparse
import gzip
import json
import threading
import time
import urllib.request
from bisect import bisect_left
from datetime import UTC, datetime, timedelta

import zstandard
from clickhouse_connect.driver.client import Client

from deploy.local.installation import Installation
from producers.keys.store import KeyStore
from producers.synthetic.load import frames
from tests.benchmarks.lines import ndjson_of
from tests.benchmarks.machine import Meter
from tests.benchmarks.scene import client_of, fresh_installation, pid_of

TICK_SECONDS = 0.1
WARM_SECONDS = 3.0
SEEN = (
    "SELECT src_partition, max(offset) FROM rollup FINAL "
    "WHERE grain = 'quarter' AND bucket >= now() - 7200 GROUP BY src_partition"
)


class Watcher(threading.Thread):
    """Notes when the rollup shows which offset of each partition."""

    def __init__(self, client: Client) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.running = True
        self.shown: dict[int, tuple[list[int], list[float]]] = {}
        self.queries: list[float] = []

    def run(self) -> None:
        while self.running:
            began = time.time()
            rows = self.client.query(SEEN).result_rows
            ended = time.time()
            self.queries.append(ended - began)
            for partition, offset in rows:
                offsets, times = self.shown.setdefault(partition, ([], []))
                if not offsets or offset > offsets[-1]:
                    offsets.append(offset)
                    times.append(ended)
            time.sleep(0.02)

    def when(self, partition: int, offset: int) -> float | None:
        """When this offset was first shown."""
        offsets, times = self.shown.get(partition, ([], []))
        place = bisect_left(offsets, offset)
        return times[place] if place < len(offsets) else None


def send(address: str, key: str, body: bytes) -> list[dict[str, int]]:
    """Posts one batch; the positions of its events."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    request = urllib.request.Request(address, data=gzip.compress(body, 1), headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        events: list[dict[str, int]] = json.load(answer)["events"]
    return events


def run(installation: Installation, rate: int, seconds: float) -> None:
    """Sends at the rate and prints the delays."""
    scopes = frozenset({"ingest"})
    _, key = KeyStore(installation.home.keys).create(name="benchmark", organization=None, scopes=scopes)
    address = f"http://127.0.0.1:{installation.plan.ports.collector}/v1/events"
    per_tick = max(1, round(rate * TICK_SECONDS))
    ticks = round((seconds + WARM_SECONDS) / TICK_SECONDS)
    source = frames(2, per_tick * ticks * 2, 1, envelope_events=per_tick)
    lines = [zstandard.decompress(ndjson_of(frame)).split(b"\n") for _, frame in source]
    watcher = Watcher(client_of(installation))
    watcher.start()
    meter = Meter({name: pid_of(installation, name) for name in ("collector", "worker-0", "warehouse", "kafka")})
    delays: list[tuple[float, int, int]] = []
    threads, started = [], time.time()
    for tick in range(ticks):
        due = started + (tick + 1) * TICK_SECONDS
        time.sleep(max(0.0, due - time.time()))
        body, created = stamped(lines[tick], time.time())

        def post(
            body: bytes = body, created: list[float] = created, warm: bool = tick * TICK_SECONDS < WARM_SECONDS
        ) -> None:
            for event, moment in zip(send(address, key, body), created, strict=True):
                if not warm:
                    delays.append((moment, event["partition"], event["offset"]))

        thread = threading.Thread(target=post, daemon=True)
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join(30)
    sent_seconds, cpu = meter.seconds, meter.cpu()
    time.sleep(3)
    watcher.running = False
    watcher.join()
    report(watcher, delays, per_tick * ticks / sent_seconds)
    print("CPU cores used: " + ", ".join(f"{name} {used / sent_seconds:.2f}" for name, used in cpu.items()))
    query_ms = sorted(watcher.queries)[len(watcher.queries) // 2] * 1000
    print(f"query p50 {query_ms:.0f} ms; stolen {meter.stolen_share():.1%}")


def stamped(lines: list[bytes], now: float) -> tuple[bytes, list[float]]:
    """The events with new ids and times spread over the last tick, and those times."""
    created, fresh = [], []
    for number, line in enumerate(lines):
        moment = now - TICK_SECONDS * (1 - (number + 1) / len(lines))
        event = json.loads(line)
        event["time"] = (datetime.fromtimestamp(0, UTC) + timedelta(seconds=moment)).isoformat(timespec="milliseconds")
        created.append(moment)
        fresh.append(json.dumps(event).encode())
    return b"\n".join(fresh), created


def report(watcher: Watcher, sent: list[tuple[float, int, int]], rate: float) -> None:
    """Percentiles of the delays."""
    found = [(watcher.when(partition, offset), moment) for moment, partition, offset in sent]
    delays = sorted((shown - moment) * 1000 for shown, moment in found if shown is not None)
    missing = len(found) - len(delays)
    at = {share: delays[min(len(delays) - 1, int(share * len(delays)))] for share in (0.5, 0.95, 0.99)}
    print(
        f"{rate:,.0f} events/s: visible after p50 {at[0.5]:.0f} ms, p95 {at[0.95]:.0f} ms, p99 {at[0.99]:.0f} ms, "
        f"max {delays[-1]:.0f} ms over {len(delays):,} events, {missing} not seen"
    )


def main() -> None:
    """One run on a fresh installation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    with fresh_installation(("superset",)) as installation:
        run(installation, given.rate, given.seconds)


if __name__ == "__main__":
    main()
