"""Where the warehouse is and who asks: environment in, one frozen value out."""

import os
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_PORT_BASE = 8700


def default_url() -> str:
    """The embedded warehouse's address: the port base + 3."""
    return f"http://127.0.0.1:{int(os.environ.get('TALLY_PORT_BASE', DEFAULT_PORT_BASE)) + 3}"


class WarehouseSettings(BaseSettings):
    """Connection to ClickHouse over HTTP."""

    model_config = SettingsConfigDict(env_prefix="TALLY_WAREHOUSE_", frozen=True)

    url: str = Field(default_factory=default_url)
    user: str = "tally"
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    database: str = Field(default="tokentally", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    connect_timeout_seconds: int = 5
    receive_timeout_seconds: int = 60

    @cached_property
    def host(self) -> str:
        """Host name of the address."""
        return urlsplit(self.url).hostname or "127.0.0.1"

    @cached_property
    def port(self) -> int:
        """Port of the address."""
        parts = urlsplit(self.url)
        return parts.port or (8443 if parts.scheme == "https" else 8123)

    @cached_property
    def secure(self) -> bool:
        """True for HTTPS."""
        return urlsplit(self.url).scheme == "https"

    def secret(self) -> str:
        """The password itself, from the file when one is named."""
        if self.password_file is not None:
            return self.password_file.read_text().strip()
        return self.password.get_secret_value()
