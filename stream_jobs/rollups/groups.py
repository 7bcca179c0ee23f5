"""Sums a take by row: measured events in, one line per row key (and offset, when asked) out."""

import polars as pl

from warehouse.families import Family


def grouped(events: pl.DataFrame, family: Family, *, by_offset: bool) -> pl.DataFrame:
    """`pair` (its number), the family's dimensions, the measures summed, and `offset`.

    by_offset: one line per (key, offset), to be compared with the rows' own offsets; otherwise one per key with its
    highest offset. Sums are Int64: the contract's bounds keep a take's sums far below its limit.
    """
    if family.only is not None:
        events = events.filter(pl.col(family.only) != "")
    keys = ["pair", *family.dimensions]
    lazy = events.lazy().rename({"src_offset": "offset"})
    sums = [pl.col(measure).sum() for measure in family.measures]
    if by_offset:
        return lazy.group_by([*keys, "offset"]).agg(*sums).collect()
    return lazy.group_by(keys).agg(*sums, pl.col("offset").max()).collect()
