"""What a worker tells Prometheus. Every name is documented where it is defined."""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """The worker's metrics; one instance per process."""

    def __init__(self) -> None:
        self.events = Gauge(
            "tally_worker_events", "Events of the assigned partitions since their logs began, by outcome", ["outcome"]
        )
        self.envelopes = Counter("tally_worker_envelopes_total", "Envelopes acknowledged")
        self.rollup_rows = Counter("tally_worker_rollup_rows_total", "Rollup rows written")
        self.flush_seconds = Histogram("tally_worker_flush_seconds", "Duration of a flush", buckets=SECONDS)
        self.rows_in_memory = Gauge("tally_worker_rows_in_memory", "Rollup rows in memory")
        self.lag = Gauge("tally_worker_lag_envelopes", "Envelopes in the log that are not applied", ["partition"])
        self.refused_partitions = Gauge("tally_worker_refused_partitions", "Partitions that need an operator")
        self.pending_periods = Gauge("tally_worker_pending_periods", "Days and weeks waiting to be derived")

    def flushed(self, envelopes: int, rows: int, seconds: float) -> None:
        """Counts one flush."""
        self.envelopes.inc(envelopes)
        self.rollup_rows.inc(rows)
        self.flush_seconds.observe(seconds)
