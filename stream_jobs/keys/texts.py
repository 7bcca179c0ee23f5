"""Texts as numbers: what rows have in common is kept once, and given up with the last row that holds it."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from stream_jobs.keys.key_index import Keys, grown
from stream_jobs.keys.slots import Hashes

Counts = npt.NDArray[np.int64]
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(slots=True)
class Texts:
    """Codes of texts, counted by their holders. Memory: about 150 bytes per distinct text of 16 characters."""

    _codes: dict[str, int] = field(default_factory=dict)
    _texts: list[str | None] = field(default_factory=list)
    _holders: Counts = field(default_factory=lambda: np.zeros(1024, np.int64))
    _hashes: Hashes = field(default_factory=lambda: np.zeros(1024, np.uint64))
    _free: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._codes)

    def codes(self, texts: pl.Series) -> Keys:
        """The code of each text; new ones are to be held before anything is released."""
        encoded = texts.to_arrow().dictionary_encode()
        distinct = pl.Series(encoded.dictionary).to_list()
        known = self._codes
        codes = np.fromiter((known.get(text, -1) for text in distinct), np.int64, len(distinct))
        missing = np.flatnonzero(codes < 0)
        if missing.size:
            codes[missing] = self._new([distinct[number] for number in missing.tolist()])
        spread: Keys = codes.astype(np.uint32)[encoded.indices.to_numpy()]
        return spread

    def series(self, codes: Keys) -> pl.Series:
        """The texts of these codes."""
        marked = np.zeros(len(self._texts), np.bool_)
        marked[codes] = True
        used = np.flatnonzero(marked)
        places = np.zeros(len(self._texts), np.uint32)
        places[used] = np.arange(len(used), dtype=np.uint32)
        distinct = pl.Series([self._texts[code] for code in used.tolist()], dtype=pl.String)
        return distinct.gather(pl.Series(places[codes]))

    def hold(self, codes: Keys) -> None:
        """One holder more for each of these codes, as often as they are named."""
        np.add.at(self._holders, codes, 1)

    def release(self, codes: Keys) -> None:
        """One holder less; texts that nobody holds are forgotten, and their codes given again."""
        np.subtract.at(self._holders, codes, 1)
        for code in np.unique(codes[self._holders[codes] == 0]).tolist():
            del self._codes[self._texts[code]]
            self._texts[code] = None
            self._free.append(code)

    def hashes(self, codes: Keys) -> Hashes:
        """One 64-bit hash per row of codes; it depends on the texts alone."""
        mixed = np.zeros(len(codes), np.uint64)
        for at in range(codes.shape[1]):
            mixed = (mixed ^ (mixed >> np.uint64(29))) * _MULTIPLIER + self._hashes[codes[:, at]]
        return mixed

    def _new(self, texts: list[str]) -> list[int]:
        codes = [self._free.pop() for _ in range(min(len(texts), len(self._free)))]
        again, first = len(codes), len(self._texts)
        for code, text in zip(codes, texts, strict=False):
            self._texts[code] = text
        self._texts += texts[again:]
        codes += range(first, len(self._texts))
        self._codes.update(zip(texts, codes, strict=True))
        size = grown(len(self._holders), len(self._texts))
        if size > len(self._holders):
            self._holders.resize(size, refcheck=False)
            self._hashes.resize(size, refcheck=False)
        self._hashes[codes] = pl.Series(texts, dtype=pl.String).hash().to_numpy()
        return codes
