"""How the API listens and how much it may ask at once: environment in, one frozen value out."""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from warehouse.settings import DEFAULT_PORT_BASE, WarehouseSettings

ROOT = Path(__file__).parent.parent
API_PORT_OFFSET = 2


def default_port() -> int:
    """The port base + 2."""
    return int(os.environ.get("TALLY_PORT_BASE", DEFAULT_PORT_BASE)) + API_PORT_OFFSET


def default_keys_file() -> Path:
    """keys.sqlite in TALLY_HOME, which is .tally in the project's folder unless it is set."""
    home = Path(os.environ.get("TALLY_HOME", ROOT / ".tally"))
    return Path(os.environ.get("TALLY_KEYS_FILE", home / "keys.sqlite"))


class ApiSettings(BaseSettings):
    """Settings of the process `python -m api`; every field is TALLY_API_<NAME>, the keys' file TALLY_KEYS_FILE."""

    model_config = SettingsConfigDict(env_prefix="TALLY_API_", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default_factory=default_port, ge=1, le=65535)
    query_threads: int = Field(default=8, ge=1, le=64, description="questions asked of the warehouse at once")
    queries_waiting_max: int = Field(default=64, ge=0, description="questions that may wait; more are refused with 503")
    keys_file: Path = Field(default_factory=default_keys_file)
    writer_user: str = Field(default="api_writer", description="warehouse user that may insert into a few tables")
    writer_password_file: Path | None = Field(default=None, description="its password; without one nothing is written")


def warehouse_settings() -> WarehouseSettings:
    """Connection of the API: as the read-only user `api` unless the environment names another."""
    return WarehouseSettings(user=os.environ.get("TALLY_WAREHOUSE_USER", "api"))


def writer_settings(settings: ApiSettings) -> WarehouseSettings | None:
    """Connection that may write; None when the environment names no password for it."""
    if settings.writer_password_file is None:
        return None
    return WarehouseSettings(user=settings.writer_user, password_file=settings.writer_password_file)
