"""Where an installation keeps its state: one folder in, the path of everything out."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import WrongSetting

ROOT = Path(__file__).resolve().parents[2]
"""The checkout that this code runs from."""

LONGEST_SOCKET_PATH = 100
"""Unix sockets cannot have longer names (the system's limit is 107 bytes)."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one installation (TALLY_HOME) and what lies in it."""

    folder: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """TALLY_HOME, or `.tally` in the checkout."""
        return cls(Path(os.environ.get("TALLY_HOME") or ROOT / ".tally").resolve())

    @property
    def run(self) -> Path:
        """Sockets, process ids, heartbeats: nothing that outlives the processes."""
        return self.folder / "run"

    @property
    def logs(self) -> Path:
        """One rotated log per service."""
        return self.folder / "logs"

    @property
    def secrets(self) -> Path:
        """Generated passwords, one per file."""
        return self.folder / "secrets"

    @property
    def kafka(self) -> Path:
        """Kafka's settings and data."""
        return self.folder / "kafka"

    @property
    def warehouse(self) -> Path:
        """The embedded warehouse's data."""
        return self.folder / "warehouse"

    @property
    def backups(self) -> Path:
        """Where backups are made; the one folder that the embedded warehouse may copy to."""
        return self.folder / "backups"

    @property
    def restoring(self) -> Path:
        """There while a restore is not finished: nothing may be started on what it left."""
        return self.folder / "restoring.json"

    @property
    def superset(self) -> Path:
        """Superset's metadata, caches and what was pushed."""
        return self.folder / "superset"

    @property
    def keys(self) -> Path:
        """The API keys, hashed."""
        return self.folder / "keys.sqlite"

    @property
    def settings(self) -> Path:
        """Settings that were given once and are remembered."""
        return self.folder / "settings.env"

    @property
    def environments(self) -> Path:
        """Installed libraries; TALLY_ENVIRONMENTS lets several homes share them."""
        return Path(os.environ.get("TALLY_ENVIRONMENTS") or self.folder / "environments").absolute()

    @property
    def supervisor_socket(self) -> Path:
        """Where the supervisor listens: in the home, or in the temporary folder when that name is too long."""
        socket = self.run / "supervisor.sock"
        if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH:
            return socket
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"tally-{name}.sock"

    def make(self) -> None:
        """Creates the folders that services expect. Raises WrongSetting for a name that supervisord cannot read."""
        if "%" in f"{self.folder}{ROOT}":
            raise WrongSetting(f"neither TALLY_HOME ({self.folder}) nor the checkout ({ROOT}) may have a % in its name")
        for folder in (self.run, self.logs, self.kafka, self.warehouse, self.superset):
            folder.mkdir(parents=True, exist_ok=True)
        self.secrets.mkdir(mode=0o700, exist_ok=True)
