"""The folders of backups: made under another name and renamed when they are whole; packed into a .tar file and back."""

import errno
import fcntl
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from deploy.errors import BackupRuns, DeployError, NoRoom, WrongSetting
from warehouse.backups import manifest
from warehouse.backups.manifest import Manifest
from warehouse.errors import BackupInvalid, WarehouseError

TABLES, CONFIGURATION = "tables", "configuration"
UNFINISHED, UNPACKED = ".unfinished-", ".unpacked-"
ARCHIVE = ".tar"
FULL = ("No space left on device", "Disk quota exceeded", "NOT_ENOUGH_SPACE")
FULL_CODES = frozenset({errno.ENOSPC, errno.EDQUOT})


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


@contextmanager
def appearing(backups: Path, target: Path) -> Iterator[Path]:
    """A folder below `backups` that becomes `target` at the end. When anything fails nothing of it is left.

    Raises WrongSetting when the target's folder does not exist, NoRoom when the disk is full.
    """
    folder = backups / f"{UNFINISHED}{os.getpid()}"
    if target.parent != backups and not target.parent.is_dir():
        raise WrongSetting(f"there is no folder {target.parent}; make it first")
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
    except (OSError, shutil.Error, WarehouseError) as failure:
        full = getattr(failure, "errno", None) in FULL_CODES or any(words in str(failure) for words in FULL)
        if full:
            raise no_room(target, "the disk became full") from failure
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(beside, ignore_errors=True)
        beside.unlink(missing_ok=True)


def no_room(where: Path, why: str) -> DeployError:
    """The error of a disk that is too small."""
    return NoRoom(f"there is no room for a backup at {where}: {why}; nothing was kept. Make room, or name another disk")


@contextmanager
def opened(source: Path, backups: Path) -> Iterator[tuple[Path, Manifest]]:
    """The folder of a backup, checked file by file, unpacked when it is a .tar file. Raises BackupInvalid."""
    if not source.is_file():
        found = manifest.read(source)
        manifest.verify(source, found)
        yield source, found
        return
    unpacked = backups / f"{UNPACKED}{os.getpid()}"
    try:
        try:
            with tarfile.open(source) as archive:
                archive.extractall(unpacked, filter="data")
        except tarfile.TarError as problem:
            raise BackupInvalid(f"{source} cannot be unpacked, take another backup: {problem}") from problem
        folder = next((path for path in unpacked.iterdir() if path.is_dir()), unpacked)
        found = manifest.read(folder)
        manifest.verify(folder, found)
        yield folder, found
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def listed(backups: Path) -> list[tuple[Path, Manifest]]:
    """The backups in a folder, oldest first; what is none is left out."""
    folders = (path.parent for path in backups.glob(f"*/{manifest.NAME}"))
    found = [(folder, manifest.read(folder)) for folder in folders if not folder.name.startswith(".")]
    return sorted(found, key=lambda each: each[1].began)
