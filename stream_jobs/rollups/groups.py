"""Sums a take by row: measured events in, one line per row key (and offset, when asked) out."""

import polars as pl

from warehouse.families import Family

SEPARATOR = "\x1f"
PLACE = ("hour", "day", "week")


def key_columns(family: Family) -> list[str]:
    """What makes a row of the family unique inside a worker, in key order."""
    return ["src_partition", "organization", "bucket", *family.dimensions]


def grouped(events: pl.DataFrame, family: Family, *, by_offset: bool) -> pl.DataFrame:
    """Key columns, `key` (one text), hour, day, week, the measures summed, and `offset`.

    by_offset: one line per (key, offset), to be compared with the rows' own offsets; otherwise one per key with its
    highest offset. Sums are Int64: the contract's bounds keep a take's sums far below its limit.
    """
    if family.only is not None:
        events = events.filter(pl.col(family.only) != "")
    keys = key_columns(family)
    lazy = events.lazy().rename({"src_offset": "offset"})
    sums = [pl.col(measure).sum() for measure in family.measures]
    places = [pl.col(column).first() for column in PLACE]
    if by_offset:
        lazy = lazy.group_by([*keys, "offset"]).agg(*places, *sums)
    else:
        lazy = lazy.group_by(keys).agg(*places, *sums, pl.col("offset").max())
    return with_key(lazy, family).collect()


def with_key(rows: pl.LazyFrame, family: Family) -> pl.LazyFrame:
    """Adds the text `key`. Texts hold no control characters (contract), so joining them is exact."""
    return rows.with_columns(pl.concat_str(key_columns(family), separator=SEPARATOR).alias("key"))
