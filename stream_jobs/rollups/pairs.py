"""The (partition, organisation, quarter hour) pairs in memory: their columns in, one number for each out.

Rows of all families name their pair by its number, so what a pair has in common is kept once.
"""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from stream_jobs.keys.key_index import KeyIndex, Keys
from stream_jobs.keys.slots import Numbers, Truths
from stream_jobs.keys.texts import Texts

PAIR = ("src_partition", "organization", "bucket")
PLACE = ("hour", "day", "week")
NEVER = np.iinfo(np.int64).max


@dataclass(slots=True)
class Pairs:
    """Numbers of pairs, their places in the calendar, and the take that touched them last. Memory: 80 bytes each."""

    texts: Texts = field(default_factory=Texts)
    take: int = 0
    """Number of the take in progress: the clock of eviction."""
    _index: KeyIndex = field(default_factory=lambda: KeyIndex(len(PAIR)))
    _places: np.ndarray[tuple[int, int], np.dtype[np.int64]] = field(init=False)
    _touched: Numbers = field(init=False)
    _unlisted: Truths = field(init=False)

    def __post_init__(self) -> None:
        self._places = np.zeros((self._index.rows, len(PLACE)), np.int64)
        self._touched = np.full(self._index.rows, NEVER, np.int64)
        self._unlisted = np.zeros(self._index.rows, np.bool_)

    def __len__(self) -> int:
        return len(self._index)

    def add(self, lines: pl.DataFrame) -> tuple[Numbers, Numbers]:
        """Number of each line's pair, which this take touches, and the numbers that are new. Needs PAIR and PLACE."""
        numbers, fresh = self._index.add(self._keys(lines))
        if fresh.size:
            self._grow()
            self.texts.hold(self._index.column(1, fresh))
            for at, name in enumerate(PLACE):
                self._places[numbers, at] = lines[name].to_physical().cast(pl.Int64).to_numpy()
        self._touched[numbers] = self.take
        return numbers, fresh

    def find(self, lines: pl.DataFrame) -> Numbers:
        """Number of each line's pair, -1 when it is not in memory. Needs PAIR."""
        return self._index.find(self._keys(lines))

    def frame(self, numbers: Numbers) -> pl.DataFrame:
        """PAIR and PLACE of these pairs."""
        keys = self._index.columns(numbers)
        places = self._places[numbers]
        columns = [
            pl.Series("src_partition", keys[:, 0]).cast(pl.UInt16),
            self.texts.series(keys[:, 1]).alias("organization"),
            pl.Series("bucket", keys[:, 2]),
            pl.Series("hour", places[:, 0]).cast(pl.UInt32),
            *(pl.Series(name, places[:, 1 + at]).cast(pl.Int32).cast(pl.Date) for at, name in enumerate(PLACE[1:])),
        ]
        return pl.DataFrame(columns)

    def unlist(self, numbers: Numbers) -> None:
        """From now on nobody knows which rows of these pairs are stored: each is asked for when it is needed."""
        self._unlisted[numbers] = True

    @property
    def unlisted(self) -> Truths:
        """By number: whether rows that are not in memory may be stored though they were not noted as evicted."""
        return self._unlisted[: self._index.end]

    @property
    def touched(self) -> Numbers:
        """By number: the take that touched the pair last."""
        return self._touched[: self._index.end]

    def untouched_since(self, take: int) -> Truths:
        """By number: whether the pair is in memory and was touched last in or before that take."""
        return self._touched[: self._index.end] <= take

    def remove(self, numbers: Numbers) -> None:
        """Forgets these pairs; nobody may hold rows of them."""
        self.texts.release(self._index.column(1, numbers))
        self._index.remove(numbers)
        self._touched[numbers] = NEVER
        self._unlisted[numbers] = False

    def _keys(self, lines: pl.DataFrame) -> Keys:
        keys = np.empty((len(lines), len(PAIR)), np.uint32)
        keys[:, 0], keys[:, 2] = lines["src_partition"].to_numpy(), lines["bucket"].to_numpy()
        keys[:, 1] = self.texts.codes(lines["organization"])
        return keys

    def _grow(self) -> None:
        known, rows = len(self._touched), self._index.rows
        if known < rows:
            self._places.resize((rows, len(PLACE)), refcheck=False)
            self._touched.resize(rows, refcheck=False)
            self._touched[known:] = NEVER
            self._unlisted.resize(rows, refcheck=False)
