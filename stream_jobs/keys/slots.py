"""Slots of a hash table in one numpy array: hashes in, row numbers out; whole arrays at a time."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Truths = npt.NDArray[np.bool_]
EMPTY, REMOVED = -1, -2
CLAIMED = -3
"""CLAIMED - line: a line of the insert in progress wants the slot."""
MARK_BITS = 31
_MARK = np.uint64((1 << MARK_BITS) - 1)
_ROW = np.int64((1 << 32) - 1)


@dataclass(slots=True)
class Slots:
    """2 ** bits slots of 8 bytes: 31 bits of the hash beside a row number, so that few rows are compared in vain.

    Probing goes 1, 2, 3 … slots further. All lines of a call step together, so equal keys meet at the same slot.
    """

    bits: int
    used: int = 0
    """Slots that are not empty, removed ones included."""
    entries: Numbers = field(init=False)

    def __post_init__(self) -> None:
        self.entries = np.full(1 << self.bits, EMPTY, np.int64)

    def find(self, hashes: Hashes, equal: Callable[[Numbers, Numbers], Truths]) -> Numbers:
        """Row number of each line, -1 where there is none. equal: whether these lines are these rows, exactly."""
        found = np.full(len(hashes), -1, np.int64)
        lines, places, marks = np.arange(len(hashes)), self._first(hashes), _marks(hashes)
        step = 0
        while lines.size:
            entries = self.entries[places]
            candidates = np.flatnonzero((entries >> 32) == marks)
            going = entries != EMPTY
            if candidates.size:
                rows = entries[candidates] & _ROW
                same = equal(lines[candidates], rows)
                hits = candidates[same]
                found[lines[hits]] = rows[same]
                going[hits] = False
            step += 1
            lines, marks = lines[going], marks[going]
            places = self._next(places[going], step)
        return found

    def insert(
        self,
        hashes: Hashes,
        equal: Callable[[Numbers, Numbers], Truths],
        store: Callable[[Numbers], Numbers],
    ) -> Numbers:
        """Row number of each line, none of which is here yet; lines that are equal get the same.

        store: makes rows of these lines, which differ from each other, and returns their numbers.
        """
        made = np.empty(len(hashes), np.int64)
        lines, places, marks = np.arange(len(hashes)), self._first(hashes), _marks(hashes)
        step = 0
        while lines.size:
            entries = self.entries[places]
            wanting = np.flatnonzero(entries < 0)
            self.entries[places[wanting]] = CLAIMED - lines[wanting]
            won = wanting[self.entries[places[wanting]] == CLAIMED - lines[wanting]]
            rows = store(lines[won])
            made[lines[won]] = rows
            self.entries[places[won]] = marks[won] << 32 | rows
            self.used += int(np.count_nonzero(entries[won] == EMPTY))
            going = np.ones(len(lines), np.bool_)
            going[won] = False
            entries = self.entries[places]
            candidates = np.flatnonzero(going & ((entries >> 32) == marks))
            if candidates.size:
                there = entries[candidates] & _ROW
                same = equal(lines[candidates], there)
                made[lines[candidates[same]]] = there[same]
                going[candidates[same]] = False
            step += 1
            lines, marks = lines[going], marks[going]
            places = self._next(places[going], step)
        return made

    def remove(self, hashes: Hashes, rows: Numbers) -> Truths:
        """Forgets these rows, which have these hashes; tells which of them were here."""
        here = np.zeros(len(rows), np.bool_)
        wanted = _marks(hashes) << 32 | rows
        lines, places = np.arange(len(rows)), self._first(hashes)
        step = 0
        while lines.size:
            entries = self.entries[places]
            hit = entries == wanted[lines]
            self.entries[places[hit]] = REMOVED
            here[lines[hit]] = True
            going = (entries != EMPTY) & ~hit
            step += 1
            lines = lines[going]
            places = self._next(places[going], step)
        return here

    def taken_out(self, first: int, count: int) -> Numbers:
        """The row numbers of these slots, which are marked as removed."""
        part = self.entries[first : first + count]
        there = part >= 0
        rows = part[there] & _ROW
        part[there] = REMOVED
        return rows

    def _first(self, hashes: Hashes) -> Numbers:
        return (hashes >> np.uint64(64 - self.bits)).astype(np.int64)

    def _next(self, places: Numbers, step: int) -> Numbers:
        return (places + step) & np.int64((1 << self.bits) - 1)


def _marks(hashes: Hashes) -> Numbers:
    return (hashes & _MARK).astype(np.int64)
