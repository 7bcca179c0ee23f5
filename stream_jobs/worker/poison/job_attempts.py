"""Marks of jobs in work, in a file that outlives the process: what ends it again and again waits, then is given up.

A process may also be killed by somebody while it works on a job, as often as one likes. So after a few deaths a place
rests, longer each time, and only deaths that come in spite of that are its own.

One slot per place (planning a job, one slice of it, or several together), found by the place's hash: two places that
share a slot forget each other's deaths, which costs more deaths and nothing else. Written with a single system call and
never synced.
"""

import asyncio
import hashlib
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from stream_jobs.errors import JobRefused, StreamJobError
from stream_jobs.worker.poison.attempts import DEATHS_BEFORE_CARE
from warehouse.errors import WarehouseError

SLOTS: Final = 4096
DEATHS_BEFORE_GIVING_UP: Final = 10
FIRST_REST_SECONDS: Final = 5.0
"""After DEATHS_BEFORE_CARE deaths; twice as long after each further one. Ten minutes in all."""
LONGEST_REST_SECONDS: Final = 300.0
_SLOT: Final = struct.Struct("<QQI")
"""Place, owner (0: nobody is at it), deaths."""


class JobAttempts:
    """The places of one process; the file is shared by all workers of a home."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._owner = int.from_bytes(os.urandom(8)) or 1
        self._began = time.monotonic()

    @contextmanager
    def at(self, *names: object) -> Iterator[None]:
        """Marks that this is worked on. Raises JobRefused where processes have ended too often.

        What the warehouse or the operator is told to mend is no death, nor is a stop; anything else that comes out of
        it will end the process, and stays marked.
        """
        place = _place(names)
        deaths = self._deaths(place)
        if deaths >= DEATHS_BEFORE_GIVING_UP:
            raise JobRefused(f"{deaths} processes ended while they worked on this; the log of the worker may say how")
        self._write(place, self._owner, deaths)
        try:
            yield
        except (StreamJobError, WarehouseError, asyncio.CancelledError):
            self._write(place, 0, deaths)
            raise
        self._write(place, 0, 0)

    def rest_seconds(self, *names: object) -> float:
        """How long a place must be left alone, where processes have ended before this one began; 0: not at all."""
        deaths = self._deaths(_place(names))
        if not DEATHS_BEFORE_CARE <= deaths < DEATHS_BEFORE_GIVING_UP:
            return 0.0
        rest = min(FIRST_REST_SECONDS * float(2 ** (deaths - DEATHS_BEFORE_CARE)), LONGEST_REST_SECONDS)
        return max(0.0, self._began + rest - time.monotonic())

    def is_deadly(self, *names: object) -> bool:
        """Whether more than a few processes have ended while they worked on this."""
        return self._deaths(_place(names)) >= DEATHS_BEFORE_CARE

    def forget(self) -> None:
        """The deaths had another cause, or the worker stops in order: nothing is counted so far."""
        os.ftruncate(self._file, 0)

    def _deaths(self, place: int) -> int:
        slot = os.pread(self._file, _SLOT.size, place % SLOTS * _SLOT.size)
        known, owner, deaths = _SLOT.unpack(slot) if len(slot) == _SLOT.size else (0, 0, 0)
        return deaths + (owner not in (0, self._owner)) if known == place else 0

    def _write(self, place: int, owner: int, deaths: int) -> None:
        os.pwrite(self._file, _SLOT.pack(place, owner, deaths), place % SLOTS * _SLOT.size)


def _place(names: tuple[object, ...]) -> int:
    return int.from_bytes(hashlib.sha256(repr(names).encode()).digest()[:8]) | 1
