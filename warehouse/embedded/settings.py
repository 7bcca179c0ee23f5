"""Settings of the embedded warehouse: environment in, one frozen value out."""

import os
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_PORT_BASE = 8700
WAREHOUSE_PORT_OFFSET = 3
DEFAULT_HOME = Path(__file__).resolve().parents[2] / ".tally"


def _default_url() -> str:
    base = int(os.environ.get("TALLY_PORT_BASE", DEFAULT_PORT_BASE))
    return f"http://127.0.0.1:{base + WAREHOUSE_PORT_OFFSET}"


class EmbeddedSettings(BaseSettings):
    """Settings of the process `python -m warehouse.embedded`; every field is TALLY_WAREHOUSE_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="TALLY_WAREHOUSE_", frozen=True, extra="ignore")

    home: Path = Field(default=DEFAULT_HOME, validation_alias="TALLY_HOME")
    url: str = Field(default_factory=_default_url, pattern=r"^http://[^/]+:\d+/?$")
    data: Path | None = None
    backups: Path | None = None
    users_file: Path | None = None
    memory_mb: int = Field(default=4000, ge=500)
    threads: int = Field(default=8, ge=1, le=64, description="statements at once, per profile")
    waiting_max: int = Field(default=100, ge=0, description="statements that may wait for a thread, per profile")
    sessions_max: int = Field(default=1000, ge=1)
    query_log_mb: int = Field(default=20, ge=1)

    @cached_property
    def port(self) -> int:
        """Port to listen on (always on 127.0.0.1)."""
        port = urlsplit(self.url).port
        if port is None:
            raise ValueError(f"TALLY_WAREHOUSE_URL must name a port, got {self.url!r}")
        return port

    @cached_property
    def data_dir(self) -> Path:
        """The engine's directory."""
        return (self.data or self.home / "warehouse").absolute()

    @cached_property
    def users_path(self) -> Path:
        """The file of users."""
        return (self.users_file or self.home / "secrets" / "warehouse_users.json").absolute()

    @cached_property
    def backups_dir(self) -> Path:
        """The one directory BACKUP and RESTORE may use."""
        return (self.backups or self.home / "backups").absolute()

    @cached_property
    def query_log_path(self) -> Path:
        """The log of statements, one JSON object per line."""
        return (self.home / "logs" / "warehouse_queries.log").absolute()
