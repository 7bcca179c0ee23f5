"""What publishing control records needs to know: environment in, one frozen value out."""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from producers.timeliness.rules import TimeRules
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.errors import NoControlKey, NoErasureKey
from tokentally import partition_of
from warehouse.log_partitions import PARTITIONS_PER_GENERATION

MIN_KEY_BYTES = 16


class ControlSettings(BaseSettings):
    """Settings of whoever publishes control records; the same names as the workers'."""

    model_config = SettingsConfigDict(env_prefix="TALLY_", frozen=True)

    home: Path = Path(".tally")
    partitions: int = Field(default=8, ge=1, le=PARTITIONS_PER_GENERATION)
    kafka_bootstrap: str = Field(
        default_factory=lambda: f"127.0.0.1:{int(os.environ.get('TALLY_PORT_BASE', '8700')) + 5}"
    )
    events_topic: str = "usage.events"
    topic_generation: int = Field(default=0, ge=0, le=62)
    usage_retention_days: int | None = Field(default=None, ge=30)
    """From what age raw usage may be deleted; None: all is kept. It must be the workers'."""
    control_key_file: Path | None = None
    """The key that control records are signed with; unset: `secrets/control_key` in the home."""
    erasure_key_file: Path | None = None
    """The key of the hashes that stand for erased ids; unset: `secrets/erasure_key` in the home."""

    def control_key(self) -> bytes:
        """The installation's key. Raises NoControlKey."""
        return read_control_key(self.home, self.control_key_file)

    @property
    def times(self) -> TimeRules:
        """By which the workers judge which days are whole."""
        return TimeRules(retention_days=self.usage_retention_days)

    @property
    def tombstones(self) -> Tombstones:
        """Knows erased events again; reads the key when there is something to compare with."""
        return Tombstones(lambda: read_erasure_key(self.home, self.erasure_key_file))

    def log_partitions(self, organization: str) -> list[int]:
        """Where a record about this organisation belongs; "" belongs everywhere."""
        first = self.topic_generation * PARTITIONS_PER_GENERATION
        if organization:
            return [first + partition_of(organization, self.partitions)]
        return list(range(first, first + self.partitions))


def read_control_key(home: Path, file: Path | None) -> bytes:
    """The key in this file, or in the home's. Raises NoControlKey."""
    path = file or home / "secrets" / "control_key"
    try:
        key = path.read_bytes().strip()
    except OSError as problem:
        raise NoControlKey(
            f"the key that control records are signed with cannot be read: {problem}; `./tally up` makes it, or set "
            "TALLY_CONTROL_KEY_FILE"
        ) from problem
    if len(key) < MIN_KEY_BYTES:
        raise NoControlKey(f"{path} has {len(key)} bytes: a key has at least {MIN_KEY_BYTES}")
    return key


def read_erasure_key(home: Path, file: Path | None) -> bytes:
    """The key in this file, or in the home's. Raises NoErasureKey."""
    try:
        return (file or home / "secrets" / "erasure_key").read_bytes().strip()
    except OSError as problem:
        raise NoErasureKey(
            f"the warehouse holds tombstones of erased events, but their key cannot be read: {problem}; "
            "restore the file, or set TALLY_ERASURE_KEY_FILE"
        ) from problem
