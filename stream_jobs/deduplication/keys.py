"""Keys of events inside one partition: organisation and event id as 20 bytes."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

ID_BYTES = 16


@dataclass(slots=True)
class KeyMaker:
    """Numbers organisations as they come, so that a key is exact (no hash) and short. Grows with organisations only."""

    _codes: dict[str, int] = field(default_factory=dict)

    def keys(self, organizations: pl.Series, event_ids: pl.Series) -> list[bytes]:
        """One key per row: 4 bytes organisation number, 16 bytes event id (a Binary series of 16-byte values)."""
        count = len(event_ids)
        names = organizations.unique().to_list()
        numbers = [self._codes.setdefault(name, len(self._codes)) for name in names]
        codes = organizations.replace_strict(names, numbers, return_dtype=pl.UInt32).to_numpy()
        packed = np.empty((count, 4 + ID_BYTES), np.uint8)
        packed[:, :4] = codes.astype("<u4").view(np.uint8).reshape(count, 4)
        packed[:, 4:] = np.frombuffer(b"".join(event_ids.to_list()), np.uint8).reshape(count, ID_BYTES)
        raw = packed.tobytes()
        width = 4 + ID_BYTES
        return [raw[start : start + width] for start in range(0, len(raw), width)]
