"""Where Superset keeps its state and finds its secrets: environment in, one frozen value out. Standard library only.

Superset's own environment has none of the project's libraries, therefore no pydantic here.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dashboards.errors import WrongSetting

DEFAULT_PORT_BASE = 8700
ADMIN = "admin"
"""The administrator that setup makes and push logs in as."""
PUSHED = "pushed"
"""File in the folder: fingerprint of the dashboards that Superset has."""


@dataclass(frozen=True, slots=True)
class SupersetHome:
    """What configuration, setup and push must agree on."""

    folder: Path
    """Metadata, caches and marks."""
    url: str
    database_uri: str
    """SQLAlchemy address of the metadata database."""
    secret_key_file: Path
    admin_password_file: Path

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ) -> "SupersetHome":
        """TALLY_HOME, TALLY_PORT_BASE and TALLY_SUPERSET_{URL,DATABASE_URI,SECRET_KEY_FILE,ADMIN_PASSWORD_FILE}."""
        home = Path(variables.get("TALLY_HOME") or Path(__file__).resolve().parents[1] / ".tally").resolve()
        folder, secrets = home / "superset", home / "secrets"

        def setting(name: str, default: object) -> str:
            return variables.get(f"TALLY_SUPERSET_{name}") or str(default)

        return cls(
            folder=folder,
            url=setting("URL", f"http://127.0.0.1:{_port_base(variables) + 4}").rstrip("/"),
            database_uri=setting("DATABASE_URI", sqlite_uri(folder / "superset.db")),
            secret_key_file=Path(setting("SECRET_KEY_FILE", secrets / "superset_key")),
            admin_password_file=Path(setting("ADMIN_PASSWORD_FILE", secrets / "superset_admin")),
        )

    @property
    def sqlite_file(self) -> Path | None:
        """The metadata database when it is SQLite, None for a server."""
        prefix = "sqlite:///"
        return Path(self.database_uri.removeprefix(prefix)) if self.database_uri.startswith(prefix) else None


def sqlite_uri(path: Path) -> str:
    """SQLAlchemy address of a file."""
    return f"sqlite:///{path}"


def read_secret(path: Path) -> str:
    """The secret in the file. Raises WrongSetting when there is none."""
    try:
        secret = path.read_text().strip()
    except OSError as problem:
        raise WrongSetting(
            f"cannot read the secret {path} ({problem.strerror}): run `./tally up`, which makes it"
        ) from None
    if not secret:
        raise WrongSetting(f"the secret {path} is empty: delete the file and run `./tally up`")
    return secret


def _port_base(variables: Mapping[str, str]) -> int:
    given = variables.get("TALLY_PORT_BASE") or str(DEFAULT_PORT_BASE)
    if not given.isdecimal():
        raise WrongSetting(f"TALLY_PORT_BASE={given!r}: must be a port number")
    return int(given)
