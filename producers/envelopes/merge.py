"""Puts together what was valid at sight, what UsageEvent accepted at a second look, and what was refused."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from producers.envelopes.decoded import Decoded, Indexes, Rejected
from producers.envelopes.rows import frame_of
from tokentally import UsageEvent


def merged(
    sure: pl.DataFrame, sure_index: Indexes, decided: Mapping[int, UsageEvent], rejected: Sequence[Rejected]
) -> Decoded:
    """All valid events in the order of their places, and all refusals in the order of theirs.

    decided: by place, in order.
    """
    refusals = sorted(rejected, key=lambda refused: -1 if refused.index is None else refused.index)
    if not decided:
        return Decoded(sure, sure_index, refusals)
    if sure.is_empty():
        return Decoded(frame_of(list(decided.values())), np.fromiter(decided, np.uint32, len(decided)), refusals)
    index = np.concatenate((sure_index, np.fromiter(decided, np.uint32, len(decided))))
    order = np.argsort(index)
    frame = pl.concat((sure, frame_of(list(decided.values()))))
    return Decoded(frame[order], index[order], refusals)
