"""The keys of an installation in one SQLite file, which several processes read and write at once."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from producers.errors import NoSuchKey, WrongConfiguration
from producers.keys.api_key import ApiKey, hash_of, id_in, is_secret_of, new_secret, scopes_of

_CHECK_SECONDS = 1.0
_TABLE = """
CREATE TABLE IF NOT EXISTS api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    organization TEXT,
    scopes TEXT NOT NULL,
    secret_sha256 BLOB NOT NULL,
    created TEXT NOT NULL,
    revoked TEXT
) STRICT, WITHOUT ROWID
"""


class KeyStore:
    """Makes, lists, revokes and checks keys. Safe to use from several threads and processes.

    A change made by another process is seen within a second. The file is made when it is missing, readable by its
    owner only. Every method raises WrongConfiguration when the file cannot be used.
    """

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._cache: dict[str, tuple[ApiKey, bytes]] = {}
        self._checked_at = float("-inf")
        self._seen: object = None
        self._file: object = None
        self._connection: sqlite3.Connection | None = None
        with self._lock:
            self._guarded(self._open)

    def create(self, name: str, organization: str | None, scopes: Iterable[str]) -> tuple[ApiKey, str]:
        """A new key and its secret, which is never shown again.

        organization None: the key is good for every organization. Raises WrongConfiguration for values no key can have.
        """
        key_id, secret = new_secret()
        key = ApiKey(key_id, name, organization, scopes_of(scopes), datetime.now(UTC).replace(microsecond=0))
        row = (key.id, name, organization, " ".join(sorted(key.scopes)), hash_of(secret), key.created.isoformat())
        self._write(
            "INSERT INTO api_keys (id, name, organization, scopes, secret_sha256, created) VALUES (?,?,?,?,?,?)", row
        )
        return key, secret

    def list(self) -> list[ApiKey]:
        """All keys, revoked ones too, oldest first."""
        with self._lock:
            self._guarded(self._refresh)
            return sorted((key for key, _ in self._cache.values()), key=lambda key: (key.created, key.id))

    def revoke(self, key_id: str) -> ApiKey:
        """Voids a key at once here, within a second elsewhere; a revoked key stays as it is. Raises NoSuchKey."""
        now = datetime.now(UTC).replace(microsecond=0).isoformat()
        self._write("UPDATE api_keys SET revoked = ? WHERE id = ? AND revoked IS NULL", (now, key_id))
        with self._lock:
            found = self._cache.get(key_id)
        if found is None:
            raise NoSuchKey(f"no key has the id {key_id!r}; `./tally keys list` shows them")
        return found[0]

    def authenticate(self, secret: str) -> ApiKey | None:
        """The valid key of this secret; None when it is unknown or revoked."""
        key_id = id_in(secret)
        if key_id is None:
            return None
        with self._lock:
            self._guarded(self._refresh_now_and_then)
            found = self._cache.get(key_id)
        if found is None or not is_secret_of(secret, found[1]) or found[0].revoked is not None:
            return None
        return found[0]

    def check(self) -> None:
        """Raises WrongConfiguration when the keys cannot be read now."""
        with self._lock:
            self._guarded(self._refresh)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._close()

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        def write() -> None:
            with self._current() as connection:
                connection.execute(statement, values)
            self._load()

        with self._lock:
            self._guarded(write)

    def _refresh_now_and_then(self) -> None:
        now = self._monotonic()
        if now - self._checked_at >= _CHECK_SECONDS:
            self._refresh()
            self._checked_at = now

    def _refresh(self) -> None:
        connection = self._current()
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version != self._seen:
            self._load()
            self._seen = version

    def _load(self) -> None:
        with closing(self._current().execute("SELECT * FROM api_keys")) as rows:
            self._cache = {key.id: (key, secret_hash) for key, secret_hash in map(_key_of, rows)}

    def _current(self) -> sqlite3.Connection:
        """The open file; opened again when another one took its place, as after a restore."""
        if self._connection is not None and self._identity() == self._file:
            return self._connection
        self._close()
        return self._open()

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Made by hand, so that it is private from its first moment; SQLite gives its journal the same mode.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(self._path, timeout=5.0, check_same_thread=False, isolation_level="IMMEDIATE")
        # No WAL: its side files would be applied to a file restored in place. Writes are rare and take milliseconds.
        connection.execute("PRAGMA journal_mode = DELETE")
        with connection:
            connection.execute(_TABLE)
        self._connection, self._file, self._seen = connection, self._identity(), None
        self._load()
        return connection

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _guarded(self, action: Callable[[], object]) -> None:
        try:
            action()
        except (sqlite3.Error, OSError) as problem:
            raise WrongConfiguration(f"the file of API keys {self._path} cannot be used: {problem}") from problem


def _key_of(row: tuple[Any, ...]) -> tuple[ApiKey, bytes]:
    key_id, name, organization, scopes, secret_hash, created, revoked = row
    key = ApiKey(
        key_id,
        name,
        organization,
        scopes_of(scopes.split()),
        datetime.fromisoformat(created),
        datetime.fromisoformat(revoked) if revoked else None,
    )
    return key, secret_hash
