"""What the soak looks at every few seconds: memory, parts, merges, flush times, lag; kept as one CSV row each."""

import csv
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import psutil
from clickhouse_connect.driver.client import Client
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.installation import Installation
from tests.benchmarks.drain import applied
from tests.benchmarks.machine import Meter
from tests.benchmarks.scene import pid_of
from tests.running import client_of

SERVICES = ("worker-0", "warehouse", "kafka")
PARTS = """SELECT sum(of_table), max(of_table), sum(rows_of_table) FROM (SELECT table, count() AS of_table,
sum(rows) AS rows_of_table FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table)"""
MERGES = "SELECT count(), sum(total_size_bytes_compressed * (1 - progress)) FROM system.merges"


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. Names carry the unit; rates and flush times are those since the look before."""

    seconds: float
    events_per_second: float
    worker_mb: int
    warehouse_mb: int
    kafka_mb: int
    worker_cores: float
    warehouse_cores: float
    kafka_cores: float
    stolen: float
    others_cores: float
    rows_in_memory: int
    lag_envelopes: int
    flush_p50_s: float
    flush_p95_s: float
    parts: int
    parts_of_largest_table: int
    stored_rows: int
    merges: int
    merge_backlog_mb: float


@dataclass(slots=True)
class Sampler:
    """Makes samples of a running installation."""

    installation: Installation
    began: float = field(default_factory=time.monotonic)
    _client: Client = field(init=False)
    _meter: Meter = field(init=False)
    _events: int = field(init=False)
    _flushes: dict[float, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._client = client_of(self.installation)
        self._restart()
        self._flushes = self._flush_counts(self._metrics())

    def _restart(self) -> None:
        self._meter = Meter({name: pid_of(self.installation, name) for name in SERVICES})
        self._events = applied(self._client)

    def look(self) -> Sample:
        """Everything as it is now."""
        metrics = self._metrics()
        flushes = self._flush_counts(metrics)
        fresh = {limit: count - self._flushes.get(limit, 0.0) for limit, count in flushes.items()}
        meter, events, self._flushes = self._meter, self._events, flushes
        seconds, cpu, stolen = meter.seconds, meter.cpu(), meter.stolen_share()
        others = meter.others_cores()
        memory = {name: psutil.Process(pid).memory_info().rss >> 20 for name, pid in meter.pids.items()}
        self._restart()
        parts, largest, rows = self._client.query(PARTS).result_rows[0]
        merges, backlog = self._client.query(MERGES).result_rows[0]
        return Sample(
            seconds=round(time.monotonic() - self.began, 1),
            events_per_second=round((self._events - events) / seconds),
            worker_mb=memory["worker-0"],
            warehouse_mb=memory["warehouse"],
            kafka_mb=memory["kafka"],
            worker_cores=round(cpu["worker-0"] / seconds, 3),
            warehouse_cores=round(cpu["warehouse"] / seconds, 3),
            kafka_cores=round(cpu["kafka"] / seconds, 3),
            stolen=round(stolen, 4),
            others_cores=round(others, 3),
            rows_in_memory=int(total(metrics, "tally_worker_rows_in_memory")),
            lag_envelopes=int(total(metrics, "tally_worker_lag_envelopes")),
            flush_p50_s=round(quantile(fresh, 0.5), 3),
            flush_p95_s=round(quantile(fresh, 0.95), 3),
            parts=int(parts),
            parts_of_largest_table=int(largest),
            stored_rows=int(rows),
            merges=int(merges),
            merge_backlog_mb=round(float(backlog) / 1e6, 1),
        )

    def _metrics(self) -> dict[str, Metric]:
        address = f"http://127.0.0.1:{self.installation.plan.ports.worker_metrics(0)}/metrics"
        with urllib.request.urlopen(address, timeout=30) as answer:
            return {family.name: family for family in text_string_to_metric_families(answer.read().decode())}

    @staticmethod
    def _flush_counts(metrics: Mapping[str, Metric]) -> dict[float, float]:
        """Flushes so far that took at most so many seconds."""
        samples = metrics["tally_worker_flush_seconds"].samples
        return {float(s.labels["le"]): s.value for s in samples if s.name.endswith("_bucket")}


def total(metrics: Mapping[str, Metric], name: str) -> float:
    """The sum over all labels."""
    return sum(sample.value for sample in metrics[name].samples)


def quantile(counts: Mapping[float, float], share: float) -> float:
    """The quantile of a histogram of cumulated counts by upper limit, evenly inside a bucket; 0 without any."""
    limits = sorted(counts)
    wanted = share * counts[limits[-1]] if limits else 0.0
    below, floor = 0.0, 0.0
    for limit in limits:
        if wanted and counts[limit] >= wanted:
            width = (limit if limit != float("inf") else floor) - floor
            return floor + width * (wanted - below) / (counts[limit] - below)
        below, floor = counts[limit], limit
    return 0.0


def write(samples: list[Sample], path: Path) -> None:
    """All samples as CSV."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [column.name for column in fields(Sample)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(sample) for sample in samples)
