"""Sets what an amendment or correction says: raw events and the record's body in, the same rows changed out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from producers.control.bodies import AmendBody, ReplaceBody
from stream_jobs.corrections.change import columns_of


def columns_set(body: AmendBody | ReplaceBody) -> list[str]:
    """The columns that the body changes somewhere, in a fixed order."""
    said = [body.set] if body.set is not None else [event.set for event in body.events]
    return sorted({column for change in said for column in columns_of(change)})


def corrected(frame: pl.DataFrame, body: AmendBody | ReplaceBody) -> pl.DataFrame:
    """The rows in their order with what the body says of them; its columns must be there.

    frame: event_id as text and time in UTC milliseconds, all of events that the body is about.
    """
    if body.set is not None:
        return _set(frame, columns_of(body.set))
    rows = [(str(event.event_id), event.time, columns_of(event.set)) for event in body.events]
    return _set_each(frame, rows, columns_set(body))


def _set(frame: pl.DataFrame, said: Mapping[str, Any]) -> pl.DataFrame:
    return frame.with_columns(pl.lit(value).cast(frame.schema[name]).alias(name) for name, value in said.items())


def _set_each(
    frame: pl.DataFrame, rows: Sequence[tuple[str, datetime, dict[str, Any]]], columns: Sequence[str]
) -> pl.DataFrame:
    """Each event gets its own values, some of them null; what it does not say stays as it was."""
    known = pl.DataFrame(
        {
            "event_id": [row[0] for row in rows],
            "time": pl.Series([row[1] for row in rows], dtype=frame.schema["time"]),
            **{f"new {name}": pl.Series([row[2].get(name) for row in rows], strict=False) for name in columns},
            **{f"says {name}": [name in row[2] for row in rows] for name in columns},
        }
    )
    joined = frame.join(known, on=["event_id", "time"], how="left", maintain_order="left")
    return joined.with_columns(
        pl.when(f"says {name}").then(pl.col(f"new {name}").cast(frame.schema[name])).otherwise(name).alias(name)
        for name in columns
    ).select(frame.columns)
