"""A long run at a steady rate: does anything grow? Samples to a CSV, a picture, and the middle against the end.

`./tally benchmark soak [--minutes N] [--rate N] [--into FOLDER]`. Needs about 0.3 GB of disk per million events; they
are removed at the end.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deploy.local.home import ROOT
from deploy.local.installation import Installation
from tests.benchmarks.environments import python_of
from tests.benchmarks.scene import STORES, fresh_installation
from tests.benchmarks.soak_samples import Sample, Sampler, write

SAMPLE_SECONDS = 5.0
BYTES_PER_EVENT = 300
WATCHED = (
    *("events_per_second", "worker_mb", "warehouse_mb", "kafka_mb", "rows_in_memory", "lag_envelopes"),
    *(
        "flush_p50_s",
        "flush_p95_s",
        "parts",
        "merge_backlog_mb",
        "worker_cores",
        "warehouse_cores",
        "stolen",
        "others_cores",
    ),
)


def run(installation: Installation, rate: int, seconds: int) -> list[Sample]:
    """Sends and samples until everything was sent."""
    settings = installation.settings
    command = [sys.executable, "-m", "tests.benchmarks.steady_producer", installation.plan.kafka_bootstrap]
    command += [settings.events_topic, str(settings.partitions), str(rate), str(seconds)]
    sampler, samples = Sampler(installation), list[Sample]()
    with subprocess.Popen(command, cwd=ROOT) as producer:
        try:
            due = time.monotonic()
            while producer.poll() is None:
                due += SAMPLE_SECONDS
                time.sleep(max(0.0, due - time.monotonic()))
                samples.append(sampler.look())
        finally:
            producer.terminate()
    return samples


def third(samples: list[Sample], number: int) -> dict[str, float]:
    """The medians of the first (0), middle or last (2) third."""
    size = len(samples) // 3
    part = samples[number * size : (number + 1) * size]
    return {name: statistics.median(getattr(sample, name) for sample in part) for name in WATCHED}


def report(samples: list[Sample]) -> None:
    """Medians of the three thirds side by side."""
    thirds = [third(samples, number) for number in range(3)]
    print(f"{'median of the':>20} {'first':>12} {'middle':>12} {'last third':>12} {'last/middle':>12}")
    for name in WATCHED:
        values = [part[name] for part in thirds]
        grown = f"{values[2] / values[1]:.2f}" if values[1] else "-"
        print(f"{name:>20} " + " ".join(f"{value:>12,.2f}" for value in values) + f" {grown:>12}")


def main() -> None:
    """One run on a fresh installation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=int, default=30_000)
    parser.add_argument("--into", type=Path, help="where soak.csv and soak.png go (default: a new temporary folder)")
    given = parser.parse_args()
    seconds = round(given.minutes * 60)
    free, needed = shutil.disk_usage(tempfile.gettempdir()).free, given.rate * seconds * BYTES_PER_EVENT
    if free < needed:
        raise SystemExit(f"{needed >> 30} GiB are needed in {tempfile.gettempdir()}, {free >> 30} GiB are free")
    into = given.into or Path(tempfile.mkdtemp(prefix="tally-soak-"))
    into.mkdir(parents=True, exist_ok=True)
    python = python_of("pictures")
    with fresh_installation((*STORES, "worker", "watchdog")) as installation:
        samples = run(installation, given.rate, seconds)
    report(samples)
    write(samples, into / "soak.csv")
    title = f"{given.rate:,} events/s for {given.minutes:g} minutes, one worker, everything on one machine"
    drawing = [python, "-m", "tests.benchmarks.soak_picture", str(into / "soak.csv"), str(into / "soak.png"), title]
    subprocess.run(drawing, cwd=ROOT, check=True)
    print(f"{into}/soak.csv, {into}/soak.png")


if __name__ == "__main__":
    main()
