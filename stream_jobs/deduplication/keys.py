"""Keys of events inside one partition: organisation and event id, or the hash that stands for it, as 20 bytes."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from stream_jobs.deduplication.tombstones import Tombstones

ID_BYTES = 16


@dataclass(slots=True)
class KeyMaker:
    """Numbers organisations as they come, so that a key is exact (no hash) and short. Grows with organisations only."""

    tombstones: Tombstones = field(default_factory=Tombstones)
    erased: frozenset[bytes] = frozenset()
    """Hashes of the erased events among the partition's last: whoever has such an id is known by its hash."""
    _codes: dict[str, int] = field(default_factory=dict)

    def keys(self, organizations: pl.Series, event_ids: pl.Series) -> list[bytes]:
        """One key per row: 4 bytes organisation number, 16 bytes event id (a Binary series of 16-byte values)."""
        count = len(event_ids)
        names = organizations.unique().to_list()
        numbers = [self._codes.setdefault(name, len(self._codes)) for name in names]
        codes = organizations.replace_strict(names, numbers, return_dtype=pl.UInt32).to_numpy()
        packed = np.empty((count, 4 + ID_BYTES), np.uint8)
        packed[:, :4] = codes.astype("<u4").view(np.uint8).reshape(count, 4)
        packed[:, 4:] = np.frombuffer(b"".join(self._ids(organizations, event_ids)), np.uint8).reshape(count, ID_BYTES)
        raw = packed.tobytes()
        width = 4 + ID_BYTES
        return [raw[start : start + width] for start in range(0, len(raw), width)]

    def _ids(self, organizations: pl.Series, event_ids: pl.Series) -> list[bytes]:
        ids: list[bytes] = event_ids.to_list()
        if self.erased:
            concerned = organizations.is_in(list(self.tombstones.organizations)).arg_true()
            for row, organization in zip(concerned, organizations[concerned], strict=True):
                hashed = self.tombstones.hashed(organization, ids[row])
                ids[row] = hashed if hashed in self.erased else ids[row]
        return ids
