"""An exact index: keys of several 32-bit numbers in, row numbers out, without a Python object per key."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from stream_jobs.keys.slots import Hashes, Numbers, Slots, Truths

Keys = npt.NDArray[np.uint32]
START_BITS = 10
FULL, ROOMY = 0.6, 0.4
"""Share of slots in use at which a larger table is begun, and the highest share it begins with."""
MOVED_AT_ONCE = 1 << 15
START_ROWS = 1 << 10
_MULTIPLIERS = np.frombuffer(np.random.default_rng().bytes(8 * 64), np.uint64) | np.uint64(1)
"""Drawn at start: nobody can send keys that meet on purpose. Nothing that is stored depends on them."""


def grown(rows: int, needed: int) -> int:
    """The next size of arrays of rows: an eighth more, so that little is reserved in vain."""
    return rows if needed <= rows else max(needed, rows + (rows >> 3) + START_ROWS)


@dataclass(slots=True)
class KeyIndex:
    """Numbers keys of `width` 32-bit numbers from 0 on; numbers of removed keys are given again.

    A hash leads to candidates, whose whole keys are compared. Memory: 4 bytes per number of the key (rounded up to 8),
    and 13 to 20 bytes of slots. A larger table is filled step by step during later calls, so no call stops for it.
    """

    width: int
    end: int = 0
    """All row numbers lie below."""
    _words: npt.NDArray[np.uint64] = field(init=False)
    _slots: Slots = field(init=False)
    _old: Slots | None = None
    _moved: int = 0
    _free: list[Numbers] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self._words = np.zeros((START_ROWS, (self.width + 1) // 2), np.uint64)
        self._slots = Slots(START_BITS)

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> int:
        """Size that arrays beside the index need."""
        return len(self._words)

    def column(self, number: int, rows: Numbers) -> Keys:
        """One number of the keys of these rows."""
        column: Keys = self._words.view(np.uint32)[rows, number]
        return column

    def columns(self, rows: Numbers) -> Keys:
        """The keys of these rows."""
        columns: Keys = self._words[rows].view(np.uint32)[:, : self.width]
        return columns

    def find(self, keys: Keys) -> Numbers:
        """Row number of each key, -1 for unknown ones."""
        words = self._packed(keys)
        return self._found(words, _hashes(words))

    def add(self, keys: Keys) -> tuple[Numbers, Numbers]:
        """Row number of each key, and the numbers that are new (each once)."""
        words = self._packed(keys)
        hashes = _hashes(words)
        self._move(MOVED_AT_ONCE + 4 * len(keys))
        rows = self._found(words, hashes)
        missing = np.flatnonzero(rows < 0)
        if not missing.size:
            return rows, missing
        self._make_room(len(missing))
        words, fresh = words[missing], list[Numbers]()

        def equal(lines: Numbers, there: Numbers) -> Truths:
            return _equal(words[lines], self._words[there])

        def store(lines: Numbers) -> Numbers:
            made = self._new(len(lines))
            self._words[made] = words[lines]
            fresh.append(made)
            return made

        rows[missing] = self._slots.insert(hashes[missing], equal, store)
        return rows, np.concatenate(fresh)

    def remove(self, rows: Numbers) -> None:
        """Forgets these rows (each once); their numbers are given again."""
        hashes = _hashes(self._words[rows])
        here = self._slots.remove(hashes, rows)
        if self._old is not None:
            self._old.remove(hashes[~here], rows[~here])
        self._free.append(rows)
        self._count -= len(rows)

    def _found(self, words: npt.NDArray[np.uint64], hashes: Hashes) -> Numbers:
        rows = self._slots.find(hashes, lambda lines, there: _equal(words[lines], self._words[there]))
        if self._old is not None:
            left = np.flatnonzero(rows < 0)
            others = words[left]
            rows[left] = self._old.find(hashes[left], lambda lines, there: _equal(others[lines], self._words[there]))
        return rows

    def _new(self, count: int) -> Numbers:
        self._count += count
        parts, needed = list[Numbers](), count
        while needed and self._free:
            last = self._free.pop()
            if len(last) > needed:
                self._free.append(last[needed:])
                last = last[:needed]
            parts.append(last)
            needed -= len(last)
        parts.append(np.arange(self.end, self.end + needed))
        self.end += needed
        if self.end > len(self._words):
            # realloc moves pages, not bytes; nobody holds a view.
            self._words.resize((grown(len(self._words), self.end), self._words.shape[1]), refcheck=False)
        return np.concatenate(parts)

    def _make_room(self, count: int) -> None:
        if self._slots.used + count <= FULL * len(self._slots.entries):
            return
        if self._old is not None:
            self._move(len(self._old.entries))
            if self._slots.used + count <= FULL * len(self._slots.entries):
                return
        bits = max(START_BITS, int(np.ceil(np.log2((self._count + count) / ROOMY))))
        self._old, self._moved, self._slots = self._slots, 0, Slots(bits)

    def _move(self, slots: int) -> None:
        """Carries some of the old slots over to the new ones; keys lie in exactly one of the two."""
        if self._old is None:
            return
        rows = self._old.taken_out(self._moved, slots)
        self._moved += slots
        if rows.size:
            self._slots.insert(_hashes(self._words[rows]), _never, lambda lines: rows[lines])
        if self._moved >= len(self._old.entries):
            self._old = None

    def _packed(self, keys: Keys) -> npt.NDArray[np.uint64]:
        words = np.zeros((len(keys), self._words.shape[1]), np.uint64)
        words.view(np.uint32)[:, : self.width] = keys
        return words


def _hashes(words: npt.NDArray[np.uint64]) -> Hashes:
    mixed: Hashes = words[:, 0] * _MULTIPLIERS[0]
    for number in range(1, words.shape[1]):
        mixed += words[:, number] * _MULTIPLIERS[number]
        mixed ^= mixed >> np.uint64(29)
    mixed *= _MULTIPLIERS[-1]
    mixed ^= mixed >> np.uint64(32)
    return mixed


def _equal(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64]) -> Truths:
    same: Truths = left[:, 0] == right[:, 0]
    for number in range(1, left.shape[1]):
        same &= left[:, number] == right[:, number]
    return same


def _never(lines: Numbers, _rows: Numbers) -> Truths:
    return np.zeros(len(lines), np.bool_)
