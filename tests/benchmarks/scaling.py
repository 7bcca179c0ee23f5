"""Cost per event as what is kept grows: live rollup keys in the worker, rows stored in the warehouse.

`./tally benchmark scaling [--keys 1000,…] [--rows 1000000,…] [--events N]`. A part whose list is empty is left out.
Each size has a fresh installation: a second load would meet windows that hold the first, and be looked up as history.
The growth of the cost is held against that of the logarithm.
"""

import argparse
import math
import urllib.request
from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from deploy.local.installation import Installation
from producers.synthetic.load import frames
from tests.benchmarks.backlog import produce
from tests.benchmarks.drain import drained
from tests.benchmarks.figures import Figures
from tests.benchmarks.keyed_load import keyed_frames
from tests.benchmarks.scene import STORES, fresh_installation
from tests.benchmarks.stored_rows import begin, fill, stored_summary, wait_for_merges
from tests.running import client_of

STOP_SECONDS = 60.0
QUARTER = timedelta(minutes=15)
HEAD = (
    f"{'':>14} {'events/s':>10} {'CPU µs/event':>13} {'worker':>8} {'warehouse':>10} {'stolen':>7} {'others':>7} "
    f"{'cost ×':>7} {'log ×':>6}"
)


def by_keys(sizes: list[int], events: int) -> None:
    """Every key is touched once before it counts."""
    print(f"Live rollup keys, {events:,} events spread evenly over all of them in one quarter hour\n{HEAD}")
    found: dict[int, Figures] = {}
    for size in sizes:
        with fresh_installation(STORES) as installation:
            now = datetime.now(UTC)
            quarter = now - timedelta(minutes=now.minute % 15, seconds=now.second) - QUARTER
            keys = size // 2  # one row in `rollup` and one in `rollup_thread`
            produce(installation, keyed_frames(keys, events, installation.settings.partitions, quarter, size), "arrow")
            found[size] = drained(installation, keys + events, skipped=keys)
            line(size, found, f"{live_rows(installation):,} rows in memory")
            stop(installation)


def by_rows(sizes: list[int], events: int) -> None:
    """At each size a worker resumes and counts the same ordinary load."""
    print(f"Stored events, {events:,} events of ordinary load on top\n{HEAD}")
    found: dict[int, Figures] = {}
    for size in sizes:
        with fresh_installation(STORES) as installation:
            client = client_of(installation)
            begin(installation)
            fill(installation, size)
            merged_seconds = wait_for_merges(client)
            start = datetime.now(UTC) - timedelta(minutes=35)
            produce(installation, frames(100, events, installation.settings.partitions, start=start), "arrow")
            found[size] = drained(installation, events)
            rows, parts, bytes_on_disk = stored_summary(client)
            told = f"{rows:,} rows, {bytes_on_disk >> 20:,} MiB, {parts} parts"
            line(size, found, f"{told}, merged {merged_seconds:.0f} s before")
            stop(installation)


def line(size: int, found: dict[int, Figures], more: str) -> None:
    """One row of the table."""
    figures, (first, least) = found[size], next(iter(found.items()))
    growth = figures.cpu_per_million / least.cpu_per_million
    per_event = {name: used / figures.events * 1e6 for name, used in figures.cpu_seconds.items()}
    print(
        f"{size:>14,} {figures.rate:>10,.0f} {figures.cpu_per_million:>13.1f} {per_event['worker-0']:>8.1f} "
        f"{per_event['warehouse']:>10.1f} {figures.stolen:>7.1%} {figures.others_cores:>7.2f} {growth:>7.2f} "
        f"{math.log(size) / math.log(first):>6.2f}  {more}",
        flush=True,
    )


def live_rows(installation: Installation) -> int:
    """Rollup rows that the worker holds."""
    address = f"http://127.0.0.1:{installation.plan.ports.worker_metrics(0)}/metrics"
    with urllib.request.urlopen(address, timeout=10) as answer:
        text = answer.read().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    return int(families["tally_worker_rows_in_memory"].samples[0].value)


def stop(installation: Installation) -> None:
    """Ends the worker first: its last flush is not cut off."""
    installation.supervisor.stop_together(["worker-0"], deadline_seconds=STOP_SECONDS)


def numbers(text: str) -> list[int]:
    """Numbers between commas."""
    return [int(word) for word in text.split(",") if word]


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=numbers, default=numbers("1000,10000,100000,1000000"))
    parser.add_argument("--rows", type=numbers, default=numbers("1000000,5000000,20000000,50000000"))
    parser.add_argument("--events", type=int, default=1_000_000)
    given = parser.parse_args()
    if given.keys:
        by_keys(given.keys, given.events)
    if given.rows:
        by_rows(given.rows, given.events)


if __name__ == "__main__":
    main()
