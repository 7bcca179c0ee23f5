"""What a worker tells Prometheus. Every name is documented where it is defined.

Counters begin with the process; totals since the beginning of the log are gauges, restored from the warehouse.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from stream_jobs.worker.state import OUTCOMES
from stream_jobs.worker.take import Taken
from stream_jobs.worker.weighted_histogram import Values, WeightedHistogram, Weights

SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
VISIBLE_SECONDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
HOUR, DAY = 3600.0, 86_400.0
LATE_SECONDS = (HOUR / 4, HOUR / 2, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY, 365 * DAY)
UNPRICED = ("unpriced", "partial")


class Metrics:
    """The worker's metrics; one instance per process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        def counter(name: str, told: str, *labels: str) -> Counter:
            return Counter(f"tally_worker_{name}", told, labels, registry=registry)

        def gauge(name: str, told: str, *labels: str) -> Gauge:
            return Gauge(f"tally_worker_{name}", told, labels, registry=registry)

        def seconds(name: str, told: str, *labels: str) -> Histogram:
            return Histogram(f"tally_worker_{name}_seconds", told, labels, buckets=SECONDS, registry=registry)

        # What was read and what became of it.
        self.events = counter(
            "events_total", "Events taken, by outcome: seen (all), accepted, duplicates, rejected, misrouted", "outcome"
        )
        self.log_events = gauge(
            "log_events", "Events of the assigned partitions since their logs began, by outcome; seen is all", "outcome"
        )
        self.late_events = counter("late_events_total", "Accepted events that came late")
        self.late_seconds = WeightedHistogram(
            "tally_worker_late_seconds", "How late late events came: append time minus time", LATE_SECONDS, registry
        )
        self.unpriced_events = counter("unpriced_events_total", "Accepted events without a complete price")
        self.envelopes = counter("envelopes_total", "Envelopes acknowledged")
        self.skipped_envelopes = counter("skipped_envelopes_total", "Envelopes delivered again after they were applied")

        # How long it takes until people see it.
        self.visible_seconds = WeightedHistogram(
            "tally_worker_visible_seconds",
            "From an event's append to the log until queries count it; every event once",
            VISIBLE_SECONDS,
            registry,
        )
        self.lag = gauge("lag_envelopes", "Envelopes in the log that are not applied", "partition")
        self.lag_seconds = gauge(
            "lag_seconds", "Append time of the newest record minus append time of what is applied", "partition"
        )

        # Writing.
        self.rollup_rows = counter("rollup_rows_total", "Rollup rows written")
        self.flush_seconds = seconds("flush", "Duration of a flush")
        self.flush_step_seconds = seconds(
            "flush_step",
            "Duration of a step of a flush: raw and touched, rollups, sent, check, progress, acknowledge",
            "step",
        )
        self.cascade_seconds = seconds("cascade", "Duration of deriving closed hours, days and weeks")
        self.lookup_rows = counter("lookup_rows_total", "Events looked up for an older copy in the warehouse")
        self.lookup_seconds = seconds("lookup", "Duration of looking up the older copies of a take")

        # What is held.
        self.rows_in_memory = gauge("rows_in_memory", "Rollup rows in memory")
        self.loaded_buckets = gauge("loaded_buckets", "Quarter hours of an organization whose rows are in memory")
        self.window_ids = gauge("window_ids", "Event ids in memory to recognise copies")
        self.pending_periods = gauge("pending_periods", "Days and weeks waiting to be derived")
        self.stuck_periods = gauge(
            "stuck_periods", "Closed days and weeks that are too much for the warehouse and wait to be tried again"
        )
        self.evictions = counter("evictions_total", "Times that old rows were forgotten to keep memory bounded")

        # Standing.
        self.quarantined = counter("quarantined_total", "Events and envelopes set apart as poison")
        self.generation = gauge("generation", "Generation of the consumer group that the worker is a member of")
        self.rebalances = counter("rebalances_total", "Generations of the consumer group seen")
        self.refused_partitions = gauge("refused_partitions", "Partitions that need an operator")
        self.waiting = gauge("waiting_seconds", "How long something outside has been waited for; 0: it is not", "what")
        self.waiting_reason = gauge("waiting", "1 for what is being waited for, with the reason", "what", "reason")
        self.retries = gauge("wait_retries", "Attempts so far that ended in waiting, by what was waited for", "what")
        self.waited = gauge("waited_seconds", "Seconds spent waiting so far, by what was waited for", "what")

        # Control records and the jobs they ask for.
        self.control_records = counter(
            "control_records_total", "Control records read, by outcome: applied, repeated, refused", "outcome"
        )
        self.open_jobs = gauge("open_jobs", "Jobs of the assigned partitions that are not over")
        self.slices_left = gauge("slices_left", "Slices of those jobs (a day of an organization each) still to be done")
        self.slices = counter("slices_total", "Slices ended, of jobs and of asked repairs: done or failed", "outcome")
        self.rewritten_events = counter("rewritten_events_total", "Raw events that slices wrote anew or removed")

    def controlled(self, taken: Taken) -> None:
        """Counts one control record."""
        logged = dict(taken.written).get("control_log")
        self.control_records.labels("refused" if logged is None else logged["outcome"][0]).inc()

    def worked(self, outcome: str, slices: int, events: int = 0) -> None:
        """Counts slices that have ended."""
        self.slices.labels(outcome).inc(slices)
        self.rewritten_events.inc(events)

    def took(self, taken: Taken, before: Sequence[int], after: Sequence[int]) -> None:
        """Counts one take: what became of its events (by the totals around it), and how late the late ones were."""
        for outcome, old, new in zip(OUTCOMES, before, after, strict=True):
            self.events.labels(outcome).inc(new - old)
        if taken.lookup_rows:
            self.lookup_rows.inc(taken.lookup_rows)
            self.lookup_seconds.observe(taken.lookup_seconds)
        if taken.raw is None:
            return
        self.unpriced_events.inc(int(taken.raw["cost_status"].is_in(UNPRICED).sum()))
        if taken.raw["late"].max():
            late = taken.raw.filter(pl.col("late") == 1)
            ages = (late["append_time"] - late["time"]).dt.total_milliseconds().to_numpy() / 1000
            self.late_events.inc(len(ages))
            self.late_seconds.add(ages, np.ones(len(ages), np.int64))

    def flushed(self, envelopes: int, rows: int, seconds: float) -> None:
        """Counts one flush."""
        self.envelopes.inc(envelopes)
        self.rollup_rows.inc(rows)
        self.flush_seconds.observe(seconds)

    def shown(self, append_seconds: Values, events: Weights) -> None:
        """Envelopes that queries count from now on: their append times (Unix s) and their numbers of events."""
        self.visible_seconds.add(np.maximum(time.time() - append_seconds, 0.0), events)


@dataclass(slots=True)
class Steps:
    """A stopwatch for the steps of one flush: each lap is named when it ends."""

    metrics: Metrics
    _since: float = field(default_factory=time.monotonic)

    def done(self, step: str) -> None:
        """Ends the lap that began with the last one's end."""
        now = time.monotonic()
        self.metrics.flush_step_seconds.labels(step).observe(now - self._since)
        self._since = now
