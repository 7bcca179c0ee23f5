"""What an installation keeps outside the warehouse, and its data cannot do without: into a backup, and back.

In: the API keys (hashed, as they are kept), and every secret that is about data, such as the key with which erased
events are recognised, or that others sign with. Not in: passwords of services, which every installation has its own of.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from deploy.local.home import Home
from warehouse.errors import RestoreRefused

KEYS, SECRETS = "keys.sqlite", "secrets"
OF_ONE_INSTALLATION = ("warehouse_", "superset_")
"""How the names of secrets begin that stay where they are."""
FIRST_KEY = "first"
"""How `./tally up` calls the key that it makes when there is none (deploy/cli/first_key.py)."""
IN_USE = "SELECT id, name FROM api_keys WHERE revoked IS NULL AND NOT (name = ? AND organization IS NULL) ORDER BY name"


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


def lost_keys(home: Home, folder: Path) -> list[str]:
    """The names of API keys in use that would be gone with those of the backup below `folder` in their place.

    Without the one that every installation begins with. Raises RestoreRefused when they cannot be read.
    """
    if not home.keys.exists() or not (folder / KEYS).exists():
        return []
    kept = _in_use(folder / KEYS, "mode=ro&immutable=1").keys()
    return [name for key, name in _in_use(home.keys, "mode=rw").items() if key not in kept]


def keys_against(home: Home, folder: Path) -> list[str]:
    """Why the keys of the backup below `folder` cannot replace those of the home unasked. Raises as `lost_keys`."""
    lost = lost_keys(home, folder)
    if not lost:
        return []
    return [
        f"the API keys {', '.join(lost)} are in use here and not in the backup, whose keys take the place of all: with "
        "--replace they are lost; revoke those that nobody needs"
    ]


def _in_use(file: Path, how: str) -> dict[str, str]:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?{how}", uri=True)) as keys:
            return dict(keys.execute(IN_USE, (FIRST_KEY,)).fetchall())
    except sqlite3.Error as problem:
        raise RestoreRefused(
            f"the API keys in {file} cannot be read ({problem}): with --replace those of the backup take their place"
        ) from problem


def put_configuration_back(home: Home, folder: Path) -> None:
    """Replaces each file as a whole; keys and secrets that the backup does not have stay."""
    if (folder / KEYS).exists():
        for suffix in ("-wal", "-shm"):
            home.keys.with_name(home.keys.name + suffix).unlink(missing_ok=True)
        _replace(folder / KEYS, home.keys)
    for secret in sorted((folder / SECRETS).glob("*")):
        _replace(secret, home.secrets / secret.name)


def _replace(source: Path, target: Path) -> None:
    unfinished = target.with_name(target.name + ".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(source.read_bytes())
    unfinished.rename(target)
