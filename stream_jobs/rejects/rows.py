"""Refusal records as table rows: bytes in, a frame out; what is no record becomes a row all the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from producers.rejections.rejection import Rejection

SCHEMA = {
    "rejection_id": pl.String,
    "time": pl.Int64,
    "source": pl.String,
    "organization": pl.String,
    "event_id": pl.String,
    "api_key_id": pl.String,
    "reason": pl.String,
    "src_partition": pl.UInt16,
    "src_offset": pl.Int64,
    "src_index": pl.UInt32,
    "raw": pl.Binary,
}


@dataclass(frozen=True, slots=True)
class Record:
    """One record of usage.rejected: its bytes, place and append time (Unix ms)."""

    value: bytes
    place: str
    append_ms: int


def rejected_rows(records: Sequence[Record]) -> pl.DataFrame:
    """One row per record, named by its rejection_id, so that storing a record again changes nothing."""
    rows = [_row(record) for record in records]
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return frame.with_columns(pl.col("time").cast(pl.Datetime("ms", "UTC")))


def _row(record: Record) -> tuple[object, ...]:
    try:
        known = Rejection.decoded(record.value)
    except ValueError as failure:
        reason = f"unreadable record of the topic of refusals: {failure}".encode("utf-8", "replace").decode()
        known = Rejection(record.place, record.append_ms, "foreign", reason, "", "", None, None, None, record.value)
    return (
        known.rejection_id,
        known.time_ms,
        known.source,
        known.organization,
        known.event_id,
        known.api_key_id,
        known.reason,
        known.src_partition,
        known.src_offset,
        known.src_index,
        known.raw,
    )
