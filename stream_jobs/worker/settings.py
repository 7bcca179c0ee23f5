"""What a worker is told from outside: environment in, one frozen value out."""

import os
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from stream_jobs.control.settings import read_control_key, read_erasure_key
from warehouse.errors import InvalidOrganization
from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.organizations import require_time_zone

LOGIC_VERSION = 1
"""Raised with every change of the rules that would give other rows for the same log."""


def _port_base() -> int:
    return int(os.environ.get("TALLY_PORT_BASE", "8700"))


class WorkerSettings(BaseSettings):
    """Settings of one stream worker; all problems are reported together at start."""

    model_config = SettingsConfigDict(env_prefix="TALLY_", frozen=True)

    home: Path = Path(".tally")
    worker_id: int = Field(default=0, ge=0)
    partitions: int = Field(default=8, ge=1, le=PARTITIONS_PER_GENERATION)
    kafka_bootstrap: str = Field(default_factory=lambda: f"127.0.0.1:{_port_base() + 5}")
    events_topic: str = "usage.events"
    rejected_topic: str = "usage.rejected"
    consumer_group: str = "tokentally.workers"
    topic_generation: int = Field(default=0, ge=0, le=62)
    default_time_zone: str = "UTC"
    default_week_start: int = Field(default=1, ge=1, le=7)
    usage_retention_days: int | None = Field(default=None, ge=30)
    """From what age raw events and quarter hours may be deleted; unset: never, and events of any age are counted."""
    window_events: int = Field(default=200_000, ge=1)
    """W of the deduplication: accepted events per partition that are remembered (about 175 bytes each).
    To be changed between a graceful stop and a start only: a replay after a crash must decide as before."""
    take_envelopes: int = Field(default=512, ge=1)
    take_bytes: int = Field(default=4 << 20, ge=1)
    """A take ends with the envelope that brings it to so many bytes: about 64 full ones, or some hundred small ones."""
    take_seconds: float = Field(default=0.1, gt=0)
    flush_seconds_short: float = Field(default=0.2, gt=0)
    flush_seconds_long: float = Field(default=1.0, gt=0)
    cascade_seconds: float = Field(default=5.0, gt=0)
    rows_in_memory: int = Field(default=2_000_000, ge=1)
    """Rollup rows of all families; 300 bytes each in the family with all measures, 150 in the others, and texts."""
    session_seconds: float = Field(default=20.0, gt=0)
    metrics_port: int | None = None
    erasure_key_file: Path | None = None
    """The key of the hashes that stand for erased ids; unset: `secrets/erasure_key` in the home."""

    erasure_sweep_seconds: float = Field(default=600.0, gt=0)
    """When an erasure is swept again; longer than what a frozen process may still send takes."""
    control_key_file: Path | None = None
    """The key of the signatures of control records; unset: `secrets/control_key` in the home."""

    @field_validator("default_time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            require_time_zone(zone)
        except InvalidOrganization:
            raise ValueError(f"unknown time zone {zone!r}: use an IANA name such as Europe/Paris") from None
        return zone

    @property
    def name(self) -> str:
        """The worker's name in logs, progress rows and the consumer group."""
        return f"worker-{self.worker_id}"

    @property
    def member_id(self) -> str:
        """The worker's static id in the consumer group."""
        return f"{self.consumer_group}-{self.name}"

    @property
    def port(self) -> int:
        """Port of /metrics: the base + 10 + the worker's number."""
        return self.metrics_port if self.metrics_port is not None else _port_base() + 10 + self.worker_id

    @property
    def run_folder(self) -> Path:
        """Where the worker leaves its heartbeat for the watchdog."""
        return self.home / "run"

    def control_key(self) -> bytes:
        """The key that control records are signed with. Raises NoControlKey."""
        return read_control_key(self.home, self.control_key_file)

    def erasure_key(self) -> bytes:
        """The installation's key. Raises NoErasureKey."""
        return read_erasure_key(self.home, self.erasure_key_file)

    def src_partition(self, partition: int) -> int:
        """The number rows carry: unique over topic generations, whose offsets start again."""
        return self.topic_generation * PARTITIONS_PER_GENERATION + partition
