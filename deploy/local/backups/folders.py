"""The folders of backups: made under another name and renamed when they are whole; packed into a .tar file and back."""

import errno
import fcntl
import os
import shutil
import sqlite3
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from deploy.errors import BackupRuns, DeployError, NoRoom, WrongSetting
from warehouse.backups import manifest
from warehouse.backups.manifest import Manifest
from warehouse.errors import BackupInvalid, WarehouseError

TABLES, CONFIGURATION = "tables", "configuration"
UNFINISHED, UNPACKED = ".unfinished-", ".unpacked-"
ARCHIVE = ".tar"
LONGEST_NAME = 255
"""Bytes of a file's name on every usual disk."""
FULL = ("No space left on device", "Disk quota exceeded", "NOT_ENOUGH_SPACE", "database or disk is full")
FULL_CODES = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Listed:
    """A backup in a folder. manifest None: it cannot be restored, and damage says why."""

    path: Path
    manifest: Manifest | None
    damage: str = ""


def default_name(began: datetime) -> str:
    """What a backup is called when nobody names it: when it was begun, in UTC."""
    return began.strftime("%Y-%m-%dT%H%M%SZ")


@contextmanager
def alone(backups: Path) -> Iterator[None]:
    """One backup or restore at a time; what killed ones left is removed. Raises BackupRuns."""
    backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (backups / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRuns("another backup or restore runs; wait for its end") from None
        for left in (*backups.glob(f"{UNFINISHED}*"), *backups.glob(f"{UNPACKED}*")):
            shutil.rmtree(left, ignore_errors=True)
        yield


def require_plain(path: Path) -> None:
    """Raises WrongSetting for a path that no manifest, note or message can hold."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise WrongSetting(f"{os.fsencode(path)!r} is no UTF-8: rename it, or name another folder") from None


def _require_target(backups: Path, target: Path) -> None:
    """Raises WrongSetting when a backup cannot become that."""
    require_plain(target)
    if target.name.startswith((UNFINISHED, UNPACKED)):
        raise WrongSetting(f"{target}: what begins with {UNFINISHED} or {UNPACKED} is removed; choose another name")
    longest = LONGEST_NAME - len(UNFINISHED)
    if len(os.fsencode(target.name)) > longest:
        raise WrongSetting(f"{target}: its name is too long; choose one of at most {longest} bytes")
    if target.parent != backups and not target.parent.is_dir():
        raise WrongSetting(f"there is no folder {target.parent}; make it first")
    if os.path.lexists(target):
        raise WrongSetting(f"{target} exists already and a backup replaces nothing: name another folder")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise WrongSetting(f"{target.parent} cannot be written to; give yourself the right, or name another folder")


@contextmanager
def appearing(backups: Path, target: Path) -> Iterator[Path]:
    """A folder below `backups` that becomes `target` at the end. When anything fails nothing of it is left.

    Raises WrongSetting for a target that cannot be made, NoRoom when the disk is full.
    """
    _require_target(backups, target)
    folder = backups / f"{UNFINISHED}{os.getpid()}"
    folder.mkdir(mode=0o700)
    beside = target.with_name(f"{UNFINISHED}{target.name}")
    try:
        yield folder
        if target.suffix == ARCHIVE:
            with (
                os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file,
                tarfile.open(fileobj=file, mode="w") as archive,
            ):
                archive.add(folder, arcname=target.stem)
            beside.rename(target)
        elif folder.stat().st_dev == target.parent.stat().st_dev:
            folder.rename(target)
        else:
            shutil.copytree(folder, beside)
            beside.rename(target)
    except (OSError, shutil.Error, sqlite3.Error, WarehouseError) as failure:
        if _is_full(failure):
            raise no_room(target, "the disk became full") from failure
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(beside, ignore_errors=True)
        beside.unlink(missing_ok=True)


def _is_full(failure: Exception) -> bool:
    return getattr(failure, "errno", None) in FULL_CODES or any(words in str(failure) for words in FULL)


def no_room(where: Path, why: str) -> DeployError:
    """The error of a disk that is too small."""
    return NoRoom(f"there is no room for a backup at {where}: {why}; nothing was kept. Make room, or name another disk")


@contextmanager
def opened(source: Path, backups: Path) -> Iterator[tuple[Path, Manifest]]:
    """The folder of a backup, checked file by file, unpacked when it is a .tar file.

    Raises BackupInvalid, and NoRoom when it cannot be unpacked for that.
    """
    if not source.is_file():
        found = manifest.read(source)
        manifest.verify(source, found)
        yield source, found
        return
    unpacked = backups / f"{UNPACKED}{os.getpid()}"
    try:
        _unpack(source, unpacked)
        folder = next((path.parent for path in unpacked.glob(f"*/{manifest.NAME}")), unpacked)
        found = manifest.read(folder, source)
        manifest.verify(folder, found)
        yield folder, found
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


UNREADABLE = (tarfile.TarError, EOFError, zlib.error, LZMAError, OSError)
"""What is raised for archives that are damaged, packed or not."""


def _unpack(source: Path, unpacked: Path) -> None:
    try:
        unpacked.mkdir(mode=0o700)
        with tarfile.open(source) as archive:
            archive.extractall(unpacked, filter="data")
    except UNREADABLE as problem:
        if _is_full(problem):
            raise NoRoom(
                f"there is no room to unpack {source} at {unpacked.parent}: the disk became full; nothing was kept. "
                "Make room, or unpack it on another disk and restore that folder"
            ) from problem
        raise BackupInvalid(f"{source} cannot be unpacked, take another backup: {problem}") from problem


def listed(backups: Path) -> list[Listed]:
    """The backups in a folder, oldest first and damaged ones last; what is none is left out."""
    folders = (path.parent for path in backups.glob(f"*/{manifest.NAME}"))
    files = (path for path in backups.glob(f"*{ARCHIVE}") if path.is_file())
    found = [_listed(path) for path in (*folders, *files) if not path.name.startswith(".")]
    return sorted(found, key=lambda each: (each.manifest is None, each.manifest and each.manifest.began, each.path))


def _listed(path: Path) -> Listed:
    try:
        return Listed(path, _packed(path) if path.is_file() else manifest.read(path))
    except BackupInvalid as problem:
        return Listed(path, None, str(problem))


def _packed(source: Path) -> Manifest:
    """The manifest inside an archive, of which only that much is read. Raises BackupInvalid."""
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                *folders, name = PurePosixPath(member.name).parts or ("",)
                if name == manifest.NAME and len(folders) < 2 and (file := archive.extractfile(member)):
                    return manifest.parsed(file.read(), source)
    except UNREADABLE as problem:
        raise BackupInvalid(f"{source} cannot be read, take another backup: {problem}") from problem
    raise manifest.missing(source)
