"""Marks of what is being worked on, in a file that outlives the process: from them the next process counts deaths.

One slot per log partition, written before each take with a single system call and never synced: it must survive the
process, not the machine. A mark that was lost costs one more death, nothing else.
"""

import os
import struct
import zlib
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

DEATHS_BEFORE_CARE = 3
"""Deaths at one place after which its envelopes are worked on one by one, and again before single events are tried."""
_SLOT = struct.Struct("<qqqIBQ")
_CHECKSUM = struct.Struct("<I")
SLOT_BYTES = 64


class Phase(IntEnum):
    """What the owner of a mark was doing."""

    RESTING = 0
    TAKING = 1
    """Working on envelopes."""
    STORING = 2
    """Writing what came of them; told apart in careful mode only."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One partition's slot.

    position: the first offset that was not applied. reached: the highest offset begun from there. deaths: how many
    processes began there and got no further. suspect_until: up to here envelopes are worked on with care.
    """

    position: int = -1
    reached: int = -1
    suspect_until: int = -1
    deaths: int = 0
    phase: Phase = Phase.RESTING
    owner: int = 0

    @property
    def careful(self) -> bool:
        """Envelopes are to be tried one by one."""
        return self.suspect_until >= self.position >= 0

    @property
    def by_event(self) -> bool:
        """Even alone the envelope was deadly: its events are to be tried one by one."""
        return self.careful and self.deaths >= DEATHS_BEFORE_CARE

    @property
    def hopeless(self) -> bool:
        """Processes died while working on this one envelope, also after each of its events had been tried."""
        return self.careful and self.deaths >= 2 * DEATHS_BEFORE_CARE and self.phase is Phase.TAKING

    def resumed_at(self, position: int, owner: int) -> "Mark":
        """The mark of a new owner that resumes at `position`, with the death of the former one counted."""
        stayed = position == self.position
        died = stayed and self.phase is not Phase.RESTING and self.owner != owner
        deaths = self.deaths + died if stayed else 0
        mark = replace(self, position=position, deaths=deaths, owner=owner)
        if not stayed:
            mark = replace(mark, reached=-1)
        if deaths >= DEATHS_BEFORE_CARE and not mark.careful:
            mark = replace(mark, suspect_until=max(self.reached, position), deaths=0)
        return mark

    def encoded(self) -> bytes:
        """The slot's bytes."""
        body = _SLOT.pack(self.position, self.reached, self.suspect_until, self.deaths, self.phase, self.owner)
        return body + _CHECKSUM.pack(zlib.crc32(body))

    @classmethod
    def decoded(cls, slot: bytes) -> "Mark":
        """The mark of a slot; an empty one for what was never written, or not wholly."""
        body, checksum = slot[: _SLOT.size], slot[_SLOT.size : _SLOT.size + _CHECKSUM.size]
        if len(checksum) < _CHECKSUM.size or _CHECKSUM.unpack(checksum)[0] != zlib.crc32(body):
            return cls()
        position, reached, suspect_until, deaths, phase, owner = _SLOT.unpack(body)
        return cls(position, reached, suspect_until, deaths, Phase(phase), owner)


class Attempts:
    """The marks of the partitions of one process, kept in a file that all workers of a home share."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._owner = int.from_bytes(os.urandom(8)) or 1
        self._marks: dict[int, Mark] = {}

    def resumed(self, partition: int, position: int) -> Mark:
        """Takes the partition over at `position`; the mark says how it is to be worked on."""
        mark = Mark.decoded(os.pread(self._file, SLOT_BYTES, partition * SLOT_BYTES)).resumed_at(position, self._owner)
        self._write(partition, replace(mark, phase=Phase.RESTING))
        self._marks[partition] = mark
        return mark

    def begin(self, partition: int, position: int, reached: int, phase: Phase = Phase.TAKING) -> None:
        """Marks that envelopes up to `reached` are worked on while `position` is the first that is not applied."""
        known = self._marks.get(partition)
        if known is None or known.position != position:
            suspect_until = known.suspect_until if known is not None else -1
            known = Mark(position, reached, suspect_until, owner=self._owner)
        self._marks[partition] = mark = replace(known, reached=max(reached, known.reached), phase=phase)
        self._write(partition, mark)

    def rest(self) -> None:
        """Marks that nothing is worked on: what ends the process now is not the data's fault."""
        for partition, mark in self._marks.items():
            self._write(partition, replace(mark, phase=Phase.RESTING))

    def _write(self, partition: int, mark: Mark) -> None:
        os.pwrite(self._file, mark.encoded(), partition * SLOT_BYTES)
