"""Event-to-visible delay: from an event's creation until a view that people query counts it.

`./tally benchmark latency [--rate N] [--seconds S]`. Events go through the collector in batches every 100 ms, each
created evenly over them. A loop asks the view `usage_quarter_hourly` for a few organisations; its own duration counts
in. Delays are told from three moments: creation, sending to the collector, and Kafka's append time.
"""

import argparse
import time
from uuid import UUID

import polars as pl

from deploy.local.installation import Installation
from producers.keys.store import KeyStore
from producers.synthetic.load import ORGANIZATIONS
from tests.benchmarks.figures import bar
from tests.benchmarks.machine import Meter
from tests.benchmarks.scene import STORES, fresh_installation, pid_of
from tests.benchmarks.steady_load import TICK_SECONDS, SteadyLoad
from tests.benchmarks.visibility import Watcher
from tests.running import client_of

WARM_SECONDS = 5.0
SETTLE_SECONDS = 4.0
WATCHED = ORGANIZATIONS[:8]
"""The busiest: about a third of the events."""
MOMENTS = {"created": "created", "posted": "sent to the collector", "appended": "appended to the log"}
WANTED_RATE, WANTED_P99_MS = 20_000, 800


def run(installation: Installation, rate: int, seconds: float) -> None:
    """Sends at the rate and prints the delays."""
    _, key = KeyStore(installation.home.keys).create(name="benchmark", organization=None, scopes=frozenset({"ingest"}))
    load = SteadyLoad.of(rate, seconds + WARM_SECONDS)
    watcher = Watcher(client_of(installation), WATCHED)
    meter = Meter({name: pid_of(installation, name) for name in ("collector", "worker-0", "warehouse", "kafka")})
    watcher.start()
    time.sleep(max(0.0, load.started - time.time()))
    began, cpu_before = time.time(), meter.cpu()
    load.send(f"http://127.0.0.1:{installation.plan.ports.collector}/v1/events", key)
    sent_seconds, cpu = time.time() - began, meter.cpu()
    time.sleep(SETTLE_SECONDS)
    watcher.stop()
    if load.failed:
        raise SystemExit(f"{len(load.failed)} batches failed: {load.failed[0]}")
    cores = ", ".join(f"{name} {(used - cpu_before[name]) / sent_seconds:.2f}" for name, used in cpu.items())
    print(f"{load.events / sent_seconds:,.0f} events/s; cores used: {cores}")
    print(f"stolen {meter.stolen_share():.1%}; used by other processes: {meter.others_cores():.2f} cores")
    print(f"the load was at most {load.behind_seconds * 1000:.0f} ms behind its plan")
    p99_ms = report(watcher, load)
    query_ms = sorted(watcher.queries)[len(watcher.queries) // 2] * 1000
    print(f"asked {len(watcher.queries)} times, p50 {query_ms:.0f} ms")
    if rate >= WANTED_RATE:
        print(bar(f"p99 from creation to visible at {rate:,} events/s (ms)", p99_ms, WANTED_P99_MS, most=True))


def report(watcher: Watcher, load: SteadyLoad) -> float:
    """Prints the delays; returns the 99th percentile from creation (ms)."""
    ids = load.created.with_columns(
        pl.Series("event_id", [str(UUID(bytes=raw)) for raw in load.created["event_id"]]),
        posted=pl.col("tick").replace_strict(dict(enumerate(load.posted)), return_dtype=pl.Float64),
    )
    found = watcher.seen().with_columns(appended=pl.col("append_ms") / 1000).join(ids, on="event_id")
    found = found.filter(pl.col("tick") * TICK_SECONDS >= WARM_SECONDS)
    unseen = found["shown"].null_count()
    print(f"{len(found):,} events of {len(WATCHED)} organisations, {unseen} not seen; visible after (ms):")
    shares = (0.5, 0.95, 0.99, 1.0)
    p99_ms = float("inf")
    for moment, words in MOMENTS.items():
        delays = ((found["shown"] - found[moment]) * 1000).drop_nulls()
        p50, p95, p99, most = (delays.quantile(share) or 0.0 for share in shares)
        print(f"  since {words:24} p50 {p50:5.0f}  p95 {p95:5.0f}  p99 {p99:5.0f}  max {most:5.0f}")
        p99_ms = p99 if moment == "created" and not unseen else p99_ms
    return p99_ms


def main() -> None:
    """One run on a fresh installation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    with fresh_installation((*STORES, "collector", "worker", "watchdog")) as installation:
        run(installation, given.rate, given.seconds)


if __name__ == "__main__":
    main()
