"""Many envelopes as one: a frame of all their valid events, and which of the envelopes each came from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from producers.envelopes.columns import empty_frame
from producers.envelopes.decoded import Decoded, Indexes, Rejected


@dataclass(frozen=True, slots=True)
class Together:
    """frame: the valid events of all envelopes, in order. index: the place of each within its own envelope.

    heights: valid events of each envelope. rejected: what was refused of each.
    """

    frame: pl.DataFrame
    index: Indexes
    heights: npt.NDArray[np.int64]
    rejected: Sequence[Sequence[Rejected]]

    @classmethod
    def of(cls, decoded: Decoded) -> "Together":
        """One envelope alone."""
        return cls(decoded.frame, decoded.index, np.array([decoded.frame.height]), [decoded.rejected])

    @property
    def events(self) -> list[int]:
        """Events of each envelope as workers see them: valid and refused ones; one when it is refused as a whole."""
        return [height + len(refused) for height, refused in zip(self.heights.tolist(), self.rejected, strict=True)]


def apart(decoded: Decoded, counts: Sequence[int]) -> Together:
    """Envelopes of so many events each, which were decoded as one: places are counted within each again."""
    ends = np.cumsum(counts)
    owners = np.searchsorted(ends, decoded.index, side="right")
    starts = ends - counts
    index = (decoded.index - starts[owners]).astype(np.uint32)
    rejected: list[list[Rejected]] = [[] for _ in counts]
    for refused in decoded.rejected:
        place = refused.index or 0
        owner = int(np.searchsorted(ends, place, side="right"))
        rejected[owner].append(replace(refused, index=place - int(starts[owner])))
    return Together(decoded.frame, index, np.bincount(owners, minlength=len(counts)), rejected)


def joined(parts: Sequence[Together]) -> Together:
    """These envelopes in order."""
    if len(parts) == 1:
        return parts[0]
    return Together(
        pl.concat([empty_frame(), *(part.frame for part in parts if part.frame.height)]),
        np.concatenate([np.empty(0, np.uint32), *(part.index for part in parts)]),
        np.concatenate([np.empty(0, np.int64), *(part.heights for part in parts)]),
        [refused for part in parts for refused in part.rejected],
    )
