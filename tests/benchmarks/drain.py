"""The worker on a preloaded backlog: between two of its flushes in the middle, and what is stored afterwards."""

import time
from collections.abc import Callable

from clickhouse_connect.driver.client import Client

from deploy.local.installation import Installation
from tests.benchmarks.figures import Figures
from tests.benchmarks.machine import Meter
from tests.benchmarks.scene import STORES, pid_of, up
from tests.running import client_of

LONGEST_SECONDS = 900
LOOK_SECONDS = 0.05
LEFT_SHARE = 0.3
"""Of the events, that still wait when the clock stops: work on them has begun, as on the first ones counted."""
PROGRESS = """SELECT sum(latest_seen) FROM (
SELECT max(seen) AS latest_seen FROM partition_progress GROUP BY src_partition)"""
NUMBERS = {
    "raw": "SELECT count(), sum(cost_nano_usd) FROM usage_raw FINAL",
    "rollup": "SELECT sum(requests), sum(cost_nano_usd) FROM rollup FINAL WHERE grain = 'quarter'",
}


def drained(
    installation: Installation, events: int, *, skipped: int = 0, started: Callable[[], None] = lambda: None
) -> Figures:
    """Starts the worker and watches it apply `events` events that wait in the topic.

    The clock runs from the first progress stored behind the `skipped` first events to the one that leaves LEFT_SHARE or
    less; what was applied before it is not counted. `started` is called when it begins to run.
    """
    up(installation, STORES)
    client = client_of(installation)
    before = applied(client)
    up(installation, (*STORES, "worker"))
    names = ("worker-0", "warehouse", "kafka")
    seen, first, meter, figures = before, before, None, None
    deadline = time.monotonic() + LONGEST_SECONDS
    while seen < before + events and time.monotonic() < deadline:
        seen = applied(client)
        if seen > before + skipped and meter is None:
            meter, first = Meter({name: pid_of(installation, name) for name in names}), seen
            started()
        elif meter is not None and figures is None and seen >= before + events - LEFT_SHARE * (events - skipped):
            figures = Figures.of(meter, seen - first)
        time.sleep(LOOK_SECONDS)
    if seen < before + events:
        raise SystemExit(f"only {seen - before} of {events} events were applied within {LONGEST_SECONDS} s")
    if figures is None or not figures.events:
        raise SystemExit("two flushes applied everything: give more --events")
    return figures


def applied(client: Client) -> int:
    """Events of the log that progress tells of."""
    return int(client.query(PROGRESS).result_rows[0][0] or 0)


def stored(installation: Installation) -> dict[str, tuple[int, int]]:
    """Requests and nano-USD as raw rows and as rollup rows have them."""
    client = client_of(installation)
    rows = {name: client.query(sql).result_rows[0] for name, sql in NUMBERS.items()}
    return {name: (int(requests), int(cost)) for name, (requests, cost) in rows.items()}
