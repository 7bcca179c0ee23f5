"""What the audit tells Prometheus. Every name is documented where it is defined."""

from prometheus_client import Gauge

from stream_jobs.audit.audit import Audited


class Metrics:
    """The audit's metrics; one instance per process."""

    def __init__(self) -> None:
        self.differing = Gauge("tally_audit_differing_rows", "Rows that differed in the last audit")
        self.rows = Gauge("tally_audit_rows", "Rows that the last audit compared")
        self.finished = Gauge("tally_audit_finished_timestamp_seconds", "When the last audit ended (Unix time)")
        self.seconds = Gauge("tally_audit_seconds", "How long the last audit took")

    def tell(self, audited: Audited) -> None:
        """Shows one audit."""
        self.differing.set(audited.report.differing)
        self.rows.set(audited.report.rows)
        self.finished.set(audited.finished.timestamp())
        self.seconds.set((audited.finished - audited.started).total_seconds())
