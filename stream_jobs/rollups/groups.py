"""Sums a take by row: measured events in, one line per row key (and offset, when asked) out."""

import polars as pl

from stream_jobs.rollups.limits import ROW_LIMIT, SumTooLarge
from warehouse.families import MONEY, Family

EXACT = 1 << 62
"""64-bit sums are safe below; beyond, a take is summed in 128 bits."""


def grouped(events: pl.DataFrame, family: Family, *, by_offset: bool) -> pl.DataFrame:
    """`pair` (its number), the family's dimensions, the measures summed, and `offset`.

    by_offset: one line per (key, offset), to be compared with the rows' own offsets; otherwise one per key with its
    highest offset. Raises SumTooLarge when a line alone is more than a row may hold (rule E7).
    """
    if family.only is not None:
        events = events.filter(pl.col(family.only) != "")
    keys = ["pair", *family.dimensions]
    large = _may_wrap(events)
    lazy = events.lazy().rename({"src_offset": "offset"})
    kept = pl.Int128 if large else pl.Int64
    sums = [(pl.col(name).cast(kept) if name in MONEY else pl.col(name)).sum() for name in family.measures]
    if by_offset:
        lines = lazy.group_by([*keys, "offset"]).agg(*sums).collect()
    else:
        lines = lazy.group_by(keys).agg(*sums, pl.col("offset").max()).collect()
    return _narrowed(lines, [*keys, "offset"] if by_offset else keys) if large else lines


def _may_wrap(events: pl.DataFrame) -> bool:
    """Whether the money of these events could add up to more than 64 bits; other measures are bounded at the door."""
    most = max((cost for cost in events.select(pl.max(*MONEY)).row(0) if cost is not None), default=0)
    return bool(most * events.height > EXACT)


def _narrowed(lines: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    money = [name for name in MONEY if name in lines.columns]
    beyond = lines.filter(pl.max_horizontal(money) > ROW_LIMIT).select(keys)
    if not beyond.is_empty():
        raise SumTooLarge("the events of one take", beyond)
    return lines.with_columns(pl.col(money).cast(pl.Int64))
