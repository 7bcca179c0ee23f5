"""Passwords of an installation: made once, kept in files that only their owner reads."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import WrongSetting
from warehouse.embedded.users import Profile, UsersFileInvalid, ensure_users

WAREHOUSE_USERS: dict[str, Profile] = {
    "tally": "writer",
    "api": "reader",
    "api_writer": "reader",
    "analyst": "reader",
    "superset": "reader",
}
INSERTS: dict[str, tuple[str, ...]] = {
    "api_writer": (
        "tokentally.directory_entries",
        "tokentally.organizations",
        "tokentally.control_records",
        "tokentally.control_publications",
        "tokentally.job_orders",
        "tokentally.config_revisions",
        "tokentally.prices",
        "tokentally.multipliers",
        "tokentally.exchange_rates",
        "tokentally.provider_costs",
        "tokentally.provider_cost_reports",
        "tokentally.closed_usage",
        "tokentally.closed_periods",
        "tokentally.terms",
    )
}
"""The tables into which a reader may insert all the same."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets folder of a home."""

    folder: Path

    def path(self, name: str) -> Path:
        """The file that holds the secret; services are told this path, never the secret."""
        return self.folder / name

    def warehouse(self, user: str) -> Path:
        """The file with a warehouse user's password."""
        return self.path(f"warehouse_{user}")

    def read(self, name: str) -> str:
        """The secret itself."""
        return self.path(name).read_text().strip()

    def make(self) -> None:
        """Makes what does not exist yet; never changes what does. Raises WrongSetting when a file is damaged."""
        try:
            ensure_users(self.path("warehouse_users.json"), WAREHOUSE_USERS, self.folder, INSERTS)
        except UsersFileInvalid as problem:
            raise WrongSetting(f"{problem}; mend the file, or delete it to have it made anew") from problem
        for name in ("superset_admin", "superset_key", "erasure_key", "control_key"):
            write_once(self.path(name), secrets.token_urlsafe(24))


def write_once(path: Path, secret: str) -> None:
    """Creates the file with mode 0600 unless it exists: a crash between leaves no empty or readable file."""
    if path.exists():
        return
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secret + "\n")
    unfinished.rename(path)
