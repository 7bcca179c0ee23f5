"""The working copy of one family's rows: summed lines in, absolute versioned rows out.

A key is the number of a pair and the codes of its texts; it leads to a row number (exact: whole keys are compared).
Sums, offsets and epochs lie in numpy arrays. A row keeps the epoch it was loaded with: only repairs raise it (rule E1).
"""

from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
import numpy.typing as npt
import polars as pl

from stream_jobs.keys.key_index import KeyIndex, Keys
from stream_jobs.keys.slots import Numbers, Truths
from stream_jobs.rollups.evicted_keys import EvictedKeys
from stream_jobs.rollups.limits import ROW_LIMIT, SumTooLarge
from stream_jobs.rollups.pairs import NEVER, Pairs
from warehouse.families import Family

LINES_AT_ONCE = 1000
"""So many lines, each within ROW_LIMIT, cannot take a row beyond 64 bits before it is looked at."""


@dataclass(slots=True)
class RowStore:
    """Rows of one family. Not thread-safe: it has one owner.

    Memory per row: 8 bytes per measure, 20 for offset, epoch and last take, 4 per dimension and for the pair, about 20
    of index; so 300 bytes of the family with all measures, 150 of the others. Texts that rows share come once.
    """

    family: Family
    pairs: Pairs = field(default_factory=Pairs)
    _index: KeyIndex = field(init=False)
    _evicted: EvictedKeys = field(init=False)
    _sums: np.ndarray[tuple[int, int], np.dtype[np.int64]] = field(init=False)
    _offsets: Numbers = field(init=False)
    _epochs: npt.NDArray[np.uint32] = field(init=False)
    _touched: Numbers = field(init=False)

    def __post_init__(self) -> None:
        self._index = KeyIndex(1 + len(self.family.dimensions))
        self._evicted = EvictedKeys()
        rows = self._index.rows
        self._sums = np.zeros((rows, len(self.family.measures)), np.int64)
        self._offsets = np.full(rows, -1, np.int64)
        self._epochs = np.zeros(rows, np.uint32)
        self._touched = np.full(rows, NEVER, np.int64)

    def __len__(self) -> int:
        return len(self._index)

    @property
    def end(self) -> int:
        """All row numbers lie below; those of evicted rows are given again."""
        return self._index.end

    @property
    def evicted(self) -> int:
        """Rows noted as stored and not in memory though their pair is."""
        return len(self._evicted)

    @property
    def numbers(self) -> Numbers:
        """The numbers of all rows."""
        return np.flatnonzero(self._touched != NEVER)

    def add_new(self, lines: pl.DataFrame) -> Numbers:
        """Adds lines that lie above every row's offset; one line per key. Returns the rows touched.

        Raises SumTooLarge before any sum is changed.
        """
        rows = self._rows(lines["pair"].to_numpy(), lines)
        sums = self._sums[rows] + lines.select(self.family.measures).to_numpy()
        if _beyond(sums):
            self._refuse(lines.drop("offset"), np.any(sums > ROW_LIMIT, axis=1))
        self._sums[rows] = sums
        self._offsets[rows] = np.maximum(self._offsets[rows], lines["offset"].to_numpy())
        return rows

    def add_checked(self, lines: pl.DataFrame) -> Numbers:
        """Adds lines of (key, offset) whose offset is above the row's own before this call (rules E1, E3).

        Every line of one envelope has the same offset and envelopes are whole, so comparing with the offset before
        the call is comparing before the envelope. Returns all rows named, also where nothing was added: a replay
        writes them again. Raises SumTooLarge before any sum is changed.
        """
        rows = self._rows(lines["pair"].to_numpy(), lines)
        offsets = lines["offset"].to_numpy()
        fresh = offsets > self._offsets[rows]
        numbers, places = np.unique(rows, return_inverse=True)
        sums = self._sums[numbers]
        added = np.flatnonzero(fresh)
        values = lines.select(self.family.measures).to_numpy()
        for start in range(0, len(added), LINES_AT_ONCE):
            part = added[start : start + LINES_AT_ONCE]
            np.add.at(sums, places[part], values[part])
            if _beyond(sums):
                self._refuse(lines, np.any(sums > ROW_LIMIT, axis=1)[places] & fresh)
        self._sums[numbers] = sums
        np.maximum.at(self._offsets, rows[fresh], offsets[fresh])
        return numbers

    def put(self, stored: pl.DataFrame) -> None:
        """Takes rows over as they are stored; one line per key, with the columns of its pair."""
        pairs, _ = self.pairs.add(stored)
        rows = self._rows(pairs, stored)
        self._sums[rows] = stored.select(self.family.measures).to_numpy()
        self._offsets[rows] = stored["offset"].to_numpy()
        self._epochs[rows] = stored["epoch"].to_numpy()
        if len(self._evicted):
            self._evicted.remove(pairs, self._texts_hash(self._index.columns(rows)))

    def rows(self, numbers: Numbers) -> pl.DataFrame:
        """Pair, place, dimensions, measures, offset and epoch of these rows: a copy that nothing changes later."""
        keys, sums = self._index.columns(numbers), self._sums[numbers]
        texts = self.pairs.texts
        return self.pairs.frame(keys[:, 0].astype(np.int64)).with_columns(
            *(texts.series(keys[:, 1 + at]).alias(name) for at, name in enumerate(self.family.dimensions)),
            *(pl.Series(name, sums[:, at]) for at, name in enumerate(self.family.measures)),
            pl.Series("offset", self._offsets[numbers]),
            pl.Series("epoch", self._epochs[numbers]),
        )

    def stored_elsewhere(self, lines: pl.DataFrame) -> pl.DataFrame:
        """The lines whose rows may be stored and are not in memory though their pair is: to be loaded by key."""
        pairs = lines["pair"].to_numpy()
        unlisted = self.pairs.unlisted[pairs]
        if not len(self._evicted) and not unlisted.any():
            return lines.clear()
        keys = self._keys(pairs, lines)
        missing = np.flatnonzero(self._index.find(keys) < 0)
        evicted = self._evicted.may_hold(pairs[missing], self._texts_hash(keys[missing]))
        asked: pl.DataFrame = lines[missing[evicted | unlisted[missing]]]
        return asked

    def touched(self) -> Numbers:
        """For every row, the take that touched it last."""
        taken: Numbers = self._touched[self.numbers]
        return taken

    def evicted_pairs(self) -> Numbers:
        """The pair of each row that is noted as evicted."""
        return self._evicted.pairs()

    def pairs_of(self, until: int) -> Numbers:
        """The pair of each row that was touched last in or before this take."""
        return self._index.column(0, np.flatnonzero(self._touched <= until)).astype(np.int64)

    def evict(self, until: int, leaving: Truths) -> None:
        """Forgets the rows touched last in or before this take; they must be acknowledged (rule E4).

        leaving: by pair number, whether the pair leaves too, so that it will be loaded as a whole; of the others the
        evicted rows are remembered by hash, to be loaded by key.
        """
        self._evicted.forget_pairs(leaving)
        rows = np.flatnonzero(self._touched <= until)
        keys = self._index.columns(rows)
        noted = ~leaving[keys[:, 0]] & ~self.pairs.unlisted[keys[:, 0]]
        self._evicted.add(keys[noted, 0], self._texts_hash(keys[noted]))
        self._index.remove(rows)
        self.pairs.texts.release(keys[:, 1:].ravel())
        self._sums[rows], self._offsets[rows], self._epochs[rows], self._touched[rows] = 0, -1, 0, NEVER

    def forget_evicted(self) -> None:
        """Forgets which rows were evicted; their pairs are asked for every row from now on."""
        self.pairs.unlist(self._evicted.pairs())
        self._evicted = EvictedKeys()

    def _refuse(self, lines: pl.DataFrame, beyond: Truths) -> NoReturn:
        kept = [name for name in ("pair", *self.family.dimensions, "offset") if name in lines.columns]
        raise SumTooLarge("the events of one take and what is stored", lines.filter(beyond).select(kept))

    def _rows(self, pairs: Numbers, lines: pl.DataFrame) -> Numbers:
        rows, fresh = self._index.add(self._keys(pairs, lines))
        if fresh.size:
            self._grow()
            self.pairs.texts.hold(self._index.columns(fresh)[:, 1:].ravel())
        self._touched[rows] = self.pairs.take
        return rows

    def _keys(self, pairs: Numbers, lines: pl.DataFrame) -> Keys:
        texts = self.pairs.texts
        keys = np.empty((len(lines), 1 + len(self.family.dimensions)), np.uint32)
        keys[:, 0] = pairs
        for at, name in enumerate(self.family.dimensions, 1):
            keys[:, at] = texts.codes(lines[name])
        return keys

    def _texts_hash(self, keys: Keys) -> npt.NDArray[np.uint64]:
        return self.pairs.texts.hashes(keys[:, 1:])

    def _grow(self) -> None:
        known, rows = len(self._offsets), self._index.rows
        if known < rows:
            # realloc moves pages, not bytes; nobody holds a view.
            self._sums.resize((rows, len(self.family.measures)), refcheck=False)
            self._offsets.resize(rows, refcheck=False)
            self._epochs.resize(rows, refcheck=False)
            self._touched.resize(rows, refcheck=False)
            self._offsets[known:], self._touched[known:] = -1, NEVER


def _beyond(sums: Numbers) -> bool:
    return bool(sums.size and sums.max() > ROW_LIMIT)
