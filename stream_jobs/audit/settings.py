"""What the audit is told from outside: environment in, one frozen value out."""

import os

from pydantic import Field

from stream_jobs.worker.settings import WorkerSettings

OLDER_SECONDS = 7 * 86_400
"""Within this time every older day is compared once."""
PORT_OFFSET = 8


class AuditSettings(WorkerSettings):
    """The log and the folders are those of the workers."""

    audit_seconds: float = Field(default=3600.0, gt=0)
    """From one audit to the next."""
    audit_first_seconds: float = Field(default=60.0, ge=0)
    """From the start of the process to its first audit."""

    @property
    def audits_per_round(self) -> int:
        """Audits in which every older day has its turn."""
        return max(1, round(OLDER_SECONDS / self.audit_seconds))

    @property
    def port(self) -> int:
        """Port of /metrics: the base + 8."""
        return int(os.environ.get("TALLY_PORT_BASE", "8700")) + PORT_OFFSET
