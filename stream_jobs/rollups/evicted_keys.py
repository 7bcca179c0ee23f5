"""Which rows of pairs in memory were evicted: pair numbers and hashes of texts in, whether a row may be stored out."""

from dataclasses import dataclass, field

import numpy as np

from stream_jobs.keys.key_index import KeyIndex, Keys
from stream_jobs.keys.slots import Hashes, Numbers, Truths


@dataclass(slots=True)
class EvictedKeys:
    """Remembers 64-bit hashes: two rows with the same one cost a load in vain, never a wrong row.

    A hash that two evicted rows share stays remembered when one of them is loaded.

    Memory: about 40 bytes per evicted row, instead of 150 to 300 and its texts.
    """

    _index: KeyIndex = field(default_factory=lambda: KeyIndex(3))
    _present: Truths = field(default_factory=lambda: np.zeros(0, np.bool_))
    _shared: Truths = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __len__(self) -> int:
        return len(self._index)

    def add(self, pairs: Keys | Numbers, hashes: Hashes) -> None:
        """These rows are stored and no longer in memory."""
        numbers, fresh = self._index.add(_keys(pairs, hashes))
        self._present.resize(self._index.rows, refcheck=False)
        self._shared.resize(self._index.rows, refcheck=False)
        if len(fresh) < len(numbers):
            distinct, counts = np.unique(numbers, return_counts=True)
            self._shared[distinct[(counts > 1) | self._present[distinct]]] = True
        self._present[fresh] = True

    def may_hold(self, pairs: Numbers, hashes: Hashes) -> Truths:
        """False for rows that were surely not evicted."""
        return self._index.find(_keys(pairs, hashes)) >= 0

    def remove(self, pairs: Numbers, hashes: Hashes) -> None:
        """These rows are in memory again."""
        found = self._index.find(_keys(pairs, hashes))
        found = np.unique(found[found >= 0])
        self._drop(found[~self._shared[found]])

    def forget_pairs(self, leaving: Truths) -> None:
        """Forgets the rows of these pairs, which are loaded as a whole when they are needed again."""
        if len(self._index):
            there = np.flatnonzero(self._present)
            self._drop(there[leaving[self._index.column(0, there)]])

    def pairs(self) -> Numbers:
        """The pairs of all rows, each as often as it has some."""
        numbers: Numbers = self._index.column(0, np.flatnonzero(self._present)).astype(np.int64)
        return numbers

    def _drop(self, numbers: Numbers) -> None:
        self._index.remove(numbers)
        self._present[numbers] = self._shared[numbers] = False


def _keys(pairs: Keys | Numbers, hashes: Hashes) -> Keys:
    keys = np.empty((len(hashes), 3), np.uint32)
    keys[:, 0] = pairs
    keys[:, 1:] = np.ascontiguousarray(hashes).view(np.uint32).reshape(-1, 2)
    return keys
