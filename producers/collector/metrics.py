"""What the collector counts, and what each number means."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class CollectorMetrics:
    """The metrics of one collector in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = Counter("tally_collector_events_total", "Events that Kafka acknowledged", registry=self.registry)
        self.rejected = Counter(
            "tally_collector_rejected_total", "Events refused, by class of reason", ["reason"], registry=self.registry
        )
        self.responses = Counter(
            "tally_collector_responses_total",
            "Answers to POST /v1/events, by status",
            ["status"],
            registry=self.registry,
        )
        self.body_bytes = Counter(
            "tally_collector_body_bytes_total", "Bytes of bodies as they were sent", registry=self.registry
        )
        self.envelopes = Counter(
            "tally_collector_envelopes_total",
            "Envelopes handed to Kafka, by what became of them",
            ["outcome"],
            registry=self.registry,
        )
        self.envelope_bytes = Counter(
            "tally_collector_envelope_bytes_total", "Bytes of envelopes handed to Kafka", registry=self.registry
        )
        self.envelope_events = Histogram(
            "tally_collector_envelope_events",
            "Events per envelope",
            buckets=(1, 3, 10, 30, 100, 300, 1000),
            registry=self.registry,
        )
        self.ack_seconds = Histogram(
            "tally_collector_ack_seconds",
            "From handing an envelope to Kafka until its acknowledgement",
            buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
            registry=self.registry,
        )
        self.in_flight_bytes = Gauge(
            "tally_collector_in_flight_bytes", "Bytes of requests that are not answered yet", registry=self.registry
        )
