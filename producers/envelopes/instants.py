"""Instants of many events: RFC 3339 texts in, Unix milliseconds out, null where a text needs a closer look."""

import polars as pl

# The usual spellings; tokentally.instants reads all of them. Cut, not rounded, to the millisecond.
_USUAL = r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{3,30})?(?:Z|\+00:00)$"


_TEXT = pl.col("text")
_SECONDS = _TEXT.str.slice(0, 19).str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="ms", strict=False).to_physical()
_FRACTION = _TEXT.str.slice(19, 4).str.strip_prefix(".").cast(pl.Int64, strict=False).fill_null(0)
_UNIX_MS = pl.when(_TEXT.str.contains(_USUAL)).then(_SECONDS + _FRACTION)


def unix_ms_of_texts(texts: pl.Series) -> pl.Series:
    """Unix milliseconds of the texts in the usual UTC spellings; null for every other text, and for null."""
    return pl.DataFrame({"text": texts}).select(_UNIX_MS).to_series()
