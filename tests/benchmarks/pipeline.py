"""Events per second of one worker on a preloaded backlog: from Kafka to raw and rollup rows that queries see.

`./tally benchmark pipeline [--events N] [--format arrow|ndjson]`. The clock runs from the first stored progress to the
last; the events stored before the first are not counted. Everything runs on this machine.
"""

import argparse
import time
from datetime import UTC, datetime, timedelta

import polars as pl
from confluent_kafka import Producer

from deploy.local.installation import Installation
from producers.envelopes import arrow
from producers.synthetic.load import frames
from tests.benchmarks.lines import ndjson_of
from tests.benchmarks.machine import Meter
from tests.benchmarks.scene import client_of, fresh_installation, pid_of
from tokentally.envelope import ARROW_STREAM, HEADER_CONTENT_TYPE, NDJSON

SEED = 1
PROGRESS = """SELECT sum(latest_seen), sum(latest_accepted) FROM (
SELECT max(seen) AS latest_seen, max(accepted) AS latest_accepted FROM partition_progress GROUP BY src_partition)"""
NUMBERS = {
    "raw": "SELECT count(), sum(cost_nano_usd) FROM usage_raw FINAL",
    "rollup": "SELECT sum(requests), sum(cost_nano_usd) FROM rollup FINAL WHERE grain = 'quarter'",
}


def preload(installation: Installation, events: int, kind: str) -> int:
    """Fills the topic; returns the number of envelopes."""
    producer = Producer({"bootstrap.servers": installation.plan.kafka_bootstrap, "enable.idempotence": True})
    start = datetime.now(UTC) - timedelta(minutes=35)
    count = 0
    for partition, frame in frames(SEED, events, installation.settings.partitions, start=start):
        value, content_type = packed(frame, kind)
        headers: list[tuple[str, str | bytes | None]] = [(HEADER_CONTENT_TYPE, content_type.encode())]
        producer.produce(installation.settings.events_topic, value, partition=partition, headers=headers)
        count += 1
        if count % 100 == 0:
            producer.flush(60)
    producer.flush(60)
    return count


def packed(frame: pl.DataFrame, kind: str) -> tuple[bytes, str]:
    """One envelope and its content type."""
    return (arrow.encode(frame), ARROW_STREAM) if kind == "arrow" else (ndjson_of(frame), NDJSON)


def measure(installation: Installation, events: int) -> None:
    """Starts the worker on the backlog and prints what it did."""
    client = client_of(installation)
    installation.up(without=("superset", "collector", "api", "rejects"))
    names = ("worker-0", "warehouse", "kafka")
    seen, meter, first = 0, None, 0
    deadline = time.monotonic() + 600
    while seen < events and time.monotonic() < deadline:
        seen = int(client.query(PROGRESS).result_rows[0][0] or 0)
        if seen and meter is None:
            meter, first = Meter({name: pid_of(installation, name) for name in names}), seen
        time.sleep(0.05)
    if meter is None or seen < events:
        raise SystemExit(f"only {seen} of {events} events were applied within the time")
    report(meter, seen - first)
    for name, sql in NUMBERS.items():
        requests, cost = client.query(sql).result_rows[0]
        print(f"  {name:7} {requests:>12,} events {cost:>24,} nano-USD")


def report(meter: Meter, counted: int) -> None:
    """The figures of one run."""
    seconds, cpu, millions = meter.seconds, meter.cpu(), counted / 1e6
    each = ", ".join(f"{name} {used / millions:.1f}" for name, used in cpu.items())
    print(f"{counted / seconds:,.0f} events/s over {counted:,} events in {seconds:.1f} s")
    print(f"CPU seconds per million events: {sum(cpu.values()) / millions:.1f} ({each})")
    print(f"memory MB: {meter.memory_mb()}; stolen by the hypervisor: {meter.stolen_share():.1%}")


def main() -> None:
    """One run on a fresh installation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--format", choices=("arrow", "ndjson"), default="arrow")
    given = parser.parse_args()
    with fresh_installation(("superset", "collector", "api", "worker", "watchdog", "rejects")) as installation:
        envelopes = preload(installation, given.events, given.format)
        print(f"{given.events:,} events in {envelopes:,} {given.format} envelopes")
        measure(installation, given.events)


if __name__ == "__main__":
    main()
