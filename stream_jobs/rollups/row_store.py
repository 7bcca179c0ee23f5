"""The working copy of one family's rows: summed lines in, absolute versioned rows out.

A key leads to a row number (exact, no hashes); sums, offsets and epochs lie in numpy arrays. A row keeps the epoch it
was loaded with: only repairs raise it (rule E1).
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from stream_jobs.rollups.groups import PLACE, key_columns
from warehouse.families import Family

Numbers = npt.NDArray[np.int64]
START_ROWS = 1 << 12


@dataclass(slots=True)
class RowStore:
    """Rows of one family. Not thread-safe: it has one owner."""

    family: Family
    _index: dict[str, int] = field(default_factory=dict)
    _keys: list[pl.DataFrame] = field(default_factory=list)
    _sums: Numbers = field(init=False)
    _offsets: Numbers = field(init=False)
    _epochs: npt.NDArray[np.uint16] = field(init=False)

    def __post_init__(self) -> None:
        self._sums = np.zeros((START_ROWS, len(self.family.measures)), np.int64)
        self._offsets = np.full(START_ROWS, -1, np.int64)
        self._epochs = np.zeros(START_ROWS, np.uint16)

    def __len__(self) -> int:
        return len(self._index)

    def add_new(self, lines: pl.DataFrame) -> Numbers:
        """Adds lines that lie above every row's offset; one line per key. Returns the rows touched."""
        rows = self._rows(lines, unique=True)
        self._sums[rows] += lines.select(self.family.measures).to_numpy()
        self._offsets[rows] = np.maximum(self._offsets[rows], lines["offset"].to_numpy())
        return rows

    def add_checked(self, lines: pl.DataFrame) -> Numbers:
        """Adds lines of (key, offset) whose offset is above the row's own before this call (rules E1, E3).

        Every line of one envelope has the same offset and envelopes are whole, so comparing with the offset before
        the call is comparing before the envelope. Returns all rows named, also where nothing was added: a replay
        writes them again.
        """
        rows = self._rows(lines, unique=False)
        offsets = lines["offset"].to_numpy()
        fresh = offsets > self._offsets[rows]
        np.add.at(self._sums, rows[fresh], lines.select(self.family.measures).to_numpy()[fresh])
        np.maximum.at(self._offsets, rows[fresh], offsets[fresh])
        return np.unique(rows)

    def put(self, stored: pl.DataFrame) -> None:
        """Takes rows over as they are stored; one line per key."""
        rows = self._rows(stored, unique=True)
        self._sums[rows] = stored.select(self.family.measures).to_numpy()
        self._offsets[rows] = stored["offset"].to_numpy()
        self._epochs[rows] = stored["epoch"].to_numpy()

    def rows(self, numbers: Numbers) -> pl.DataFrame:
        """Key columns, hour, day, week, measures, offset and epoch of these rows: a copy that nothing changes later."""
        if len(self._keys) != 1:
            self._keys = [pl.concat(self._keys, rechunk=True)]
        sums = self._sums[numbers]
        return self._keys[0][numbers].with_columns(
            *(pl.Series(name, sums[:, column]) for column, name in enumerate(self.family.measures)),
            pl.Series("offset", self._offsets[numbers]),
            pl.Series("epoch", self._epochs[numbers]),
        )

    def keep(self, wanted: pl.Expr) -> None:
        """Forgets all rows but those whose key columns fulfil the expression."""
        if not self._index:
            return
        keys = pl.concat(self._keys, rechunk=True)
        kept = keys.select(wanted.alias("wanted"))["wanted"].to_numpy().nonzero()[0]
        texts = list(self._index)
        fresh = RowStore(self.family)
        fresh._grow(len(kept))
        fresh._index = {texts[old]: new for new, old in enumerate(kept)}
        fresh._keys = [keys[kept]]
        fresh._sums[: len(kept)] = self._sums[kept]
        fresh._offsets[: len(kept)] = self._offsets[kept]
        fresh._epochs[: len(kept)] = self._epochs[kept]
        self._index, self._keys = fresh._index, fresh._keys
        self._sums, self._offsets, self._epochs = fresh._sums, fresh._offsets, fresh._epochs

    def _rows(self, lines: pl.DataFrame, *, unique: bool) -> Numbers:
        index = self._index
        known = len(index)
        add = index.setdefault
        texts = lines["key"].to_list()
        rows = np.fromiter((add(text, len(index)) for text in texts), np.int64, len(texts))
        if len(index) > known:
            self._grow(len(index))
            if unique:
                fresh = (rows >= known).nonzero()[0]
            else:
                numbers, first = np.unique(rows, return_index=True)
                fresh = first[numbers >= known]
            self._keys.append(lines[fresh].select([*key_columns(self.family), *PLACE]))
        return rows

    def _grow(self, needed: int) -> None:
        size = len(self._sums)
        if needed <= size:
            return
        while size < needed:
            size *= 2
        sums = np.zeros((size, self._sums.shape[1]), np.int64)
        offsets = np.full(size, -1, np.int64)
        epochs = np.zeros(size, np.uint16)
        known = len(self._sums)
        sums[:known], offsets[:known], epochs[:known] = self._sums, self._offsets, self._epochs
        self._sums, self._offsets, self._epochs = sums, offsets, epochs
