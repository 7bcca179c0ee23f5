"""Identities that survive another import, another machine and another order of lines."""

import hashlib
from typing import BinaryIO, Final
from uuid import UUID, uuid5

IMPORT_NAMESPACE: Final = UUID("0b7e2f0e-6a55-5d0b-9c7e-5a0e8f1f7d42")
"""Namespace of imported records."""

_SEPARATOR: Final = "\x1f"


def record_id(*parts: str) -> str:
    """UUIDv5 of what identifies a record; the parts are joined by the ASCII unit separator."""
    return str(uuid5(IMPORT_NAMESPACE, _SEPARATOR.join(parts)))


def import_id(file: BinaryIO, importer: object, collector_url: str) -> str:
    """Names one import: the file's content, the importer with its options, and where it goes; 32 hexadecimal digits.

    Leaves the file at its start. The importer counts by its `repr`, so another option is another import; the events
    inside keep their ids.
    """
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(1 << 20):
        digest.update(block)
    digest.update(_SEPARATOR.join(["", repr(importer), collector_url]).encode())
    file.seek(0)
    return digest.hexdigest()[:32]
