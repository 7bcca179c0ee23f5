"""Draws a soak: its CSV in, one PNG out. Runs in the environment `pictures`.

Run: python -m tests.benchmarks.soak_picture CSV PNG TITLE.
"""

import csv
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

PANELS = (
    ("events/s", {"events_per_second": "applied"}),
    ("resident memory (MB)", {"worker_mb": "worker", "warehouse_mb": "warehouse", "kafka_mb": "Kafka"}),
    ("active parts", {"parts": "all tables", "parts_of_largest_table": "largest table"}),
    ("bytes left to merge (MB)", {"merge_backlog_mb": "in running merges"}),
    ("flush (s)", {"flush_p95_s": "p95", "flush_p50_s": "p50"}),
    ("lag (envelopes)", {"lag_envelopes": "not yet applied"}),
    (
        "cores",
        {"worker_cores": "worker", "warehouse_cores": "warehouse", "kafka_cores": "Kafka", "others_cores": "all else"},
    ),
    ("rows", {"rows_in_memory": "rollup rows in the worker's memory"}),
)


def main(source: str, target: str, title: str) -> None:
    """One panel per question, time in minutes below all of them."""
    with open(source, newline="") as file:
        rows = list(csv.DictReader(file))
    minutes = [float(row["seconds"]) / 60 for row in rows]
    figure, axes = pyplot.subplots(len(PANELS) // 2, 2, figsize=(12, 12), sharex=True, layout="constrained")
    for axis, (name, lines) in zip(axes.flat, PANELS, strict=True):
        for column, label in lines.items():
            axis.plot(minutes, [float(row[column]) for row in rows], label=label, linewidth=1)
        axis.set_title(name, loc="left", fontsize=10)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8, loc="lower right")
    for axis in axes[-1]:
        axis.set_xlabel("minutes")
    figure.suptitle(title)
    figure.savefig(target, dpi=80)


if __name__ == "__main__":
    main(*sys.argv[1:])
