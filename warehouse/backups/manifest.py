"""What a backup is: its manifest, the last file that is written. A folder without one is no backup."""

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from warehouse.errors import BackupInvalid

FORMAT = 1
NAME = "manifest.json"
CHUNK_BYTES = 1 << 20


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class TableCopy(_Written):
    """One table or view. rows: stored ones, superseded versions among them, counted just after the copy was made."""

    name: str
    engine: str
    copies: tuple[str, ...]
    rows: int | None


class Applied(_Written):
    """Progress of one log partition in the backup: everything up to applied_offset is in it."""

    topic: str
    src_partition: int
    topic_id: str
    applied_offset: int
    applied_time: datetime
    accepted: int


class Log(_Written):
    """The topic that the events came from. next_offsets: where its partitions ended when the copy was made (None:
    Kafka did not answer)."""

    events_topic: str
    rejected_topic: str
    partitions: int
    generation: int
    topic_id: str
    next_offsets: dict[int, int] | None


class FileSum(_Written):
    """Size in bytes and SHA-256 (hexadecimal) of one file."""

    size: int
    sha256: str


class Manifest(_Written):
    """Everything about a backup but its data. files: by path below the folder; migrations: checksum by name."""

    format: int
    product_version: str
    logic_version: int
    began: datetime
    finished: datetime
    database: str
    migrations: dict[str, str]
    tables: tuple[TableCopy, ...]
    progress: tuple[Applied, ...]
    log: Log
    settings: dict[str, str]
    files: dict[str, FileSum]

    @property
    def accepted(self) -> int:
        """Events that its progress covers."""
        return sum(each.accepted for each in self.progress)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(each.size for each in self.files.values())

    def write(self, folder: Path) -> None:
        """Makes the folder a backup: the file appears whole or not at all."""
        unfinished = folder / f"{NAME}.new"
        with unfinished.open("w") as file:
            file.write(self.model_dump_json(indent=1))
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(folder / NAME)


def read(folder: Path, source: Path | None = None) -> Manifest:
    """The manifest of a backup. source: what it was unpacked from. Raises BackupInvalid."""
    try:
        text = (folder / NAME).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise missing(source or folder) from None
    except OSError as problem:
        raise BackupInvalid(f"{folder / NAME} cannot be read, take another backup: {problem}") from problem
    return parsed(text, source or folder)


def missing(source: Path) -> BackupInvalid:
    """The error of what has no manifest."""
    return BackupInvalid(f"{source} is no backup: it has no {NAME}, or was never finished; take another one")


def parsed(text: bytes, source: Path) -> Manifest:
    """The manifest that a file holds. source: the backup that it is of. Raises BackupInvalid."""
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as problem:
        raise BackupInvalid(f"{source / NAME} cannot be read, take another backup: {problem}") from problem
    if manifest.format != FORMAT:
        raise BackupInvalid(
            f"{source} has format {manifest.format}, this version reads {FORMAT}: restore it with Tokentally "
            f"{manifest.product_version}"
        )
    return manifest


def sums(folder: Path) -> dict[str, FileSum]:
    """Every file below the folder but the manifest itself."""
    return {name: _sum(folder / name) for name in sorted(_files(folder))}


def verify(folder: Path, manifest: Manifest) -> None:
    """Raises BackupInvalid when files are missing, damaged or too many."""
    there = set(_files(folder))
    missing, strange = sorted(manifest.files.keys() - there), sorted(there - manifest.files.keys())
    damaged = [name for name in sorted(there & manifest.files.keys()) if not _is(folder / name, manifest.files[name])]
    for what, names in (("missing", missing), ("damaged", damaged), ("not of this backup", strange)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise BackupInvalid(f"{folder}: {names[0]}{more} {what}: nothing was restored; take another backup")


def _files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != NAME:
            yield name


def _is(path: Path, expected: FileSum) -> bool:
    try:
        return _sum(path) == expected
    except OSError:  # a disk may have lost it
        return False


def _sum(path: Path) -> FileSum:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return FileSum(size=size, sha256=digest.hexdigest())
