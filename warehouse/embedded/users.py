"""The users of the embedded warehouse: a JSON file in; who may sign in, with which limits and row filters, out."""

import hashlib
import hmac
import json
import logging
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from warehouse.embedded.errors import ClickHouseError, Fault, refused

log = logging.getLogger(__name__)

Profile = Literal["writer", "reader"]
_NOBODY = "0" * 64


@dataclass(frozen=True, slots=True)
class User:
    """One user: `settings` are limits nobody may lift, `filters` maps `database.table` to a condition on its rows.

    `inserts` names tables (`database.table`) into which a reader may insert rows, and nothing else.
    """

    name: str
    password_sha256: str
    profile: Profile
    settings: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)
    inserts: tuple[str, ...] = ()

    @property
    def is_reader(self) -> bool:
        """True for users who may only read."""
        return self.profile == "reader"


class UsersFileInvalid(ValueError):
    """The file of users cannot be used: correct the file named in the message."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    password_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    profile: Profile
    settings: dict[str, str] = Field(default_factory=dict)
    filters: dict[str, str] = Field(default_factory=dict)
    inserts: tuple[str, ...] = ()


_FILE = TypeAdapter(dict[str, _Entry])


def password_hash(password: str) -> str:
    """SHA-256 in hexadecimal; enough because passwords are generated with 256 bits of chance."""
    return hashlib.sha256(password.encode()).hexdigest()


def read_users(path: Path) -> dict[str, User]:
    """The users of a file. Raises UsersFileInvalid when it is missing, not JSON or not of the right shape."""
    try:
        entries = _FILE.validate_json(path.read_bytes())
    except OSError as failure:
        raise UsersFileInvalid(f"{path}: {failure.strerror}; `./tally up` creates it") from failure
    except ValidationError as failure:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in failure.errors(include_input=False))
        raise UsersFileInvalid(f"{path}: {problems}") from failure
    return {name: User(name, **entry.model_dump()) for name, entry in entries.items()}


def write_users(path: Path, users: Mapping[str, User]) -> None:
    """Replaces the file in one step, readable by its owner only."""
    entries = {
        user.name: {
            "password_sha256": user.password_sha256,
            "profile": user.profile,
            "settings": dict(user.settings),
            "filters": dict(user.filters),
            "inserts": list(user.inserts),
        }
        for user in users.values()
    }
    _write_secret(path, json.dumps(entries, indent=2) + "\n")


def ensure_users(
    path: Path,
    profiles: Mapping[str, Profile],
    secrets_dir: Path,
    inserts: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, Path]:
    """Makes every user of `profiles` exist, with its password in `secrets_dir`/warehouse_<name>.

    `inserts`: the tables into which a reader may insert. Users that exist keep their limits and filters; a password is
    made only where its file is missing or does not match. Returns the password file of each user. Calling it again
    changes nothing.
    """
    users = read_users(path) if path.exists() else {}
    files: dict[str, Path] = {}
    changed = not path.exists()
    for name, profile in profiles.items():
        files[name] = secrets_dir / f"warehouse_{name}"
        known = users.get(name)
        password = files[name].read_text().strip() if files[name].exists() else ""
        tables = (inserts or {}).get(name, ())
        asked = (profile, tables, password_hash(password))
        if known and asked == (known.profile, known.inserts, known.password_sha256):
            continue
        if not password:
            password = secrets.token_urlsafe(32)
            _write_secret(files[name], password + "\n")
        limits, filters = (known.settings, known.filters) if known else ({}, {})
        users[name] = User(name, password_hash(password), profile, limits, filters, tables)
        changed = True
    if changed:
        write_users(path, users)
    return files


def _write_secret(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class UserDirectory:
    """The users of a file, read again whenever the file changes; `generation` counts the readings."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._current_stamp()
        self._users = read_users(path)
        self.generation = 0

    def _current_stamp(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _refresh(self) -> None:
        stamp = self._current_stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._users = read_users(self._path)
        except UsersFileInvalid as failure:
            log.error("the users stay as they were: %s", failure)
            return
        self.generation += 1

    def sign_in(self, name: str, password: str) -> User:
        """The user, when the password is right. Raises 516 otherwise, not telling which of the two was wrong."""
        self._refresh()
        user = self._users.get(name)
        expected = user.password_sha256 if user else _NOBODY
        if not hmac.compare_digest(password_hash(password), expected) or user is None:
            raise _authentication_failed(name)
        return user


def _authentication_failed(name: str) -> ClickHouseError:
    return refused(
        Fault.AUTHENTICATION_FAILED,
        f"{name}: Authentication failed: password is incorrect, or there is no user with such name.",
    )
