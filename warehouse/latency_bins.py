"""The bins of latency histograms: one integer boundary table in, the same bin from SQL and from numpy out.

Bin i holds the whole numbers v with BOUNDS[i-1] < v <= BOUNDS[i]: exact up to 50, above that at most 4 %
wide, so that the middle of a bin is within 2 % of every value in it. Integers only: a formula in floating
point would put a value at a boundary into one bin here and into its neighbour there. The table never
changes: stored rows name bins.
"""

import numpy as np
from numpy.typing import NDArray

from warehouse.families import OUTPUT_BUCKETS

EXACT_UP_TO = 50
HIGHEST = 10**10


def _bounds() -> tuple[int, ...]:
    bounds = list(range(EXACT_UP_TO + 1))
    while bounds[-1] < HIGHEST:
        bounds.append(max(bounds[-1] + 1, bounds[-1] * 26 // 25))
    return tuple(bounds)


BOUNDS: tuple[int, ...] = _bounds()
"""Highest value of each bin, strictly increasing; the last bin also takes everything above it."""
LOWEST: tuple[int, ...] = (0, *(bound + 1 for bound in BOUNDS[:-1]))
"""Lowest value of each bin."""
MIDDLES: tuple[int, ...] = tuple((low + high) // 2 for low, high in zip(LOWEST, BOUNDS, strict=True))
"""The value that stands for each bin in a percentile: within 2 % of all of its values."""

OUTPUT_TOKENS = " + ".join(OUTPUT_BUCKETS)
METRICS: dict[str, str] = {
    "duration_ms": "duration_ms",
    "time_to_first_token_ms": "time_to_first_token_ms",
    "output_tokens_per_1000_s": (
        f"if(duration_ms > 0 AND {OUTPUT_TOKENS} > 0, intDivOrZero(({OUTPUT_TOKENS}) * 1000000, duration_ms), NULL)"
    ),
}
"""Each metric as an expression over columns of usage_raw; NULL = the call is not in that histogram."""

_UPPER_EDGES = np.array(BOUNDS[:-1], dtype=np.int64)


def bins_of(values: NDArray[np.int64]) -> NDArray[np.uint16]:
    """The bin of each value (>= 0)."""
    return np.searchsorted(_UPPER_EDGES, values, side="left").astype(np.uint16)


def bin_sql(value: str) -> str:
    """The SQL expression (UInt16) for the bin of an integer expression >= 0 that is not NULL."""
    lowest = ",".join(map(str, LOWEST))
    numbers = ",".join(map(str, range(len(LOWEST))))
    return (
        f"transform(roundDown(toUInt64({value}), [{lowest}]), [{lowest}], "
        f"CAST([{numbers}], 'Array(UInt16)'), toUInt16(0))"
    )
