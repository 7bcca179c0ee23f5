"""What the collector is told from outside: environment in, one frozen value out."""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).parents[2]
PORT_OFFSET = 1
KAFKA_PORT_OFFSET = 5


def _port(offset: int) -> int:
    return int(os.environ.get("TALLY_PORT_BASE", "8700")) + offset


class CollectorSettings(BaseSettings):
    """Settings of one collector, TALLY_<NAME>; all problems are reported together at start."""

    model_config = SettingsConfigDict(env_prefix="TALLY_", frozen=True)

    home: Path = ROOT / ".tally"
    keys_file: Path = Field(default_factory=lambda data: data["home"] / "keys.sqlite")
    kafka_bootstrap: str = Field(default_factory=lambda: f"127.0.0.1:{_port(KAFKA_PORT_OFFSET)}")
    events_topic: str = "usage.events"
    rejected_topic: str = "usage.rejected"
    partitions: int = Field(default=8, ge=1, le=1024)
    collector_host: str = "127.0.0.1"
    collector_port: int = Field(default_factory=lambda: _port(PORT_OFFSET), ge=1, le=65535)
    collector_max_body_bytes: int = Field(default=10_000_000, ge=1_000)
    """Of one request, before and after decompression."""
    collector_max_events: int = Field(default=10_000, ge=1)
    """Of one request."""
    collector_max_in_flight_bytes: int = Field(default=256_000_000, ge=1_000)
    """Of all requests that are not answered yet; beyond, requests are refused."""
    collector_body_seconds: float = Field(default=60.0, gt=0)
    """How long a sender may take to send one body."""
    collector_linger_ms: float = Field(default=20.0, ge=0, le=100)
    """How long an envelope waits for events of other requests."""
    collector_delivery_seconds: float = Field(default=10.0, ge=1)
    """How long Kafka may take to acknowledge."""
    collector_threads: int = Field(default=2, ge=1, le=64)
    """Threads that unpack, validate and encode large bodies."""
