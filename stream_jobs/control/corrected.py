"""Sets what an amendment or correction says: raw events and the record's body in, the same rows changed out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import polars as pl

from producers.control.bodies import AmendBody, Amendment, ReplaceBody

NANO_PER_USD: Final = 1_000_000_000


def changes(change: Amendment) -> dict[str, Any]:
    """Columns of usage_raw and the values they get; what the change leaves out is left out."""
    said = change.model_dump(exclude_none=True)
    if "reported_cost_usd" in said:
        said["reported_cost_nano_usd"] = _nano_usd(said.pop("reported_cost_usd"))
    return said


def columns_set(body: AmendBody | ReplaceBody) -> list[str]:
    """The columns that the body changes somewhere, in a fixed order."""
    said = [body.set] if body.set is not None else [event.set for event in body.events]
    return sorted({column for change in said for column in changes(change)})


def corrected(frame: pl.DataFrame, body: AmendBody | ReplaceBody) -> pl.DataFrame:
    """The rows in their order with what the body says of them; its columns must be there.

    frame: event_id as text and time in UTC milliseconds, all of events that the body is about.
    """
    if body.set is not None:
        return _set(frame, changes(body.set))
    rows = [(str(event.event_id), event.time, changes(event.set)) for event in body.events]
    return _set_each(frame, rows, columns_set(body))


def _set(frame: pl.DataFrame, said: Mapping[str, Any]) -> pl.DataFrame:
    return frame.with_columns(pl.lit(value).cast(frame.schema[name]).alias(name) for name, value in said.items())


def _set_each(
    frame: pl.DataFrame, rows: Sequence[tuple[str, datetime, dict[str, Any]]], columns: Sequence[str]
) -> pl.DataFrame:
    """Each event gets its own values; a null in the joined frame means: as it was."""
    known = pl.DataFrame(
        {
            "event_id": [row[0] for row in rows],
            "time": pl.Series([row[1] for row in rows], dtype=frame.schema["time"]),
            **{f"new {name}": pl.Series([row[2].get(name) for row in rows], strict=False) for name in columns},
        }
    )
    joined = frame.join(known, on=["event_id", "time"], how="left", maintain_order="left")
    return joined.with_columns(
        pl.coalesce(pl.col(f"new {name}").cast(frame.schema[name]), pl.col(name)).alias(name) for name in columns
    ).select(frame.columns)


def _nano_usd(usd: Decimal) -> int:
    return int(usd * NANO_PER_USD)
