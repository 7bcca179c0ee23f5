"""What an installation keeps outside the warehouse, and its data cannot do without: into a backup, and back.

In: the API keys (hashed, as they are kept), and every secret that is about data, such as the key with which erased
events are recognised, or that others sign with. Not in: passwords of services, which every installation has its own of.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from deploy.local.home import Home

KEYS, SECRETS = "keys.sqlite", "secrets"
OF_ONE_INSTALLATION = ("warehouse_", "superset_")
"""How the names of secrets begin that stay where they are."""


def secrets_of_data(folder: Path) -> list[Path]:
    """The secrets that go with the data, whatever there are."""
    if not folder.is_dir():
        return []
    files = (path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix != ".new")
    return [path for path in files if not path.name.startswith(OF_ONE_INSTALLATION)]


def copy_configuration(home: Home, folder: Path) -> None:
    """Copies it below `folder`, the keys while others may write them."""
    (folder / SECRETS).mkdir(parents=True)
    if home.keys.exists():
        with closing(sqlite3.connect(home.keys)) as source, closing(sqlite3.connect(folder / KEYS)) as target:
            source.backup(target)
    for secret in secrets_of_data(home.secrets):
        shutil.copy(secret, folder / SECRETS / secret.name)


def put_configuration_back(home: Home, folder: Path) -> None:
    """Replaces each file as a whole; secrets that the backup does not have stay."""
    for suffix in ("-wal", "-shm"):
        home.keys.with_name(home.keys.name + suffix).unlink(missing_ok=True)
    if (folder / KEYS).exists():
        _replace(folder / KEYS, home.keys)
    for secret in sorted((folder / SECRETS).glob("*")):
        _replace(secret, home.secrets / secret.name)


def _replace(source: Path, target: Path) -> None:
    unfinished = target.with_name(target.name + ".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(source.read_bytes())
    unfinished.rename(target)
