"""One event as UsageEvent sees it and as a row of the frame: each made from the other."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import polars as pl

from producers.envelopes.columns import COLUMNS, MAX_COST_NANO_USD, NULLABLE
from tokentally import UsageEvent

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

_DERIVED = frozenset(("event_id", "source_id", "time", "reported_cost_nano_usd", "quantities", "metadata"))
_SAME = tuple(name for name in COLUMNS if name not in _DERIVED)
_WITH_PLAIN_TIME = pl.Schema(COLUMNS | {"time": pl.Int64()})
_NAMES = COLUMNS.names()


def unix_ms(instant: datetime) -> int:
    """Unix milliseconds of an aware instant, cut downwards."""
    return (instant - EPOCH) // MILLISECOND


def frame_of(events: Sequence[UsageEvent]) -> pl.DataFrame:
    """The events as a frame, in their order."""
    rows = [_row_of(event) for event in events]
    frame = pl.DataFrame(rows, schema=_WITH_PLAIN_TIME, orient="row")
    return frame.replace_column(_NAMES.index("time"), frame["time"].cast(COLUMNS["time"]))


def _row_of(event: UsageEvent) -> tuple[object, ...]:
    values: dict[str, object] = event.__dict__ | {
        "event_id": event.event_uuid.bytes,
        "source_id": event.stored_source_id,
        "time": unix_ms(event.time),
        "reported_cost_nano_usd": event.reported_cost_nano_usd,
        "quantities": event.quantities_json,
        "metadata": event.metadata_json,
    }
    return tuple(values[name] for name in _NAMES)


def event_of(row: Mapping[str, Any]) -> UsageEvent:
    """The event of one row without nulls but where they belong; `time` as Unix milliseconds.

    Raises ValidationError when it is none, ValueError for what only a row can get wrong.
    """
    values = {name: row[name] for name in _SAME if name not in NULLABLE or row[name] is not None}
    if len(row["event_id"]) != 16:
        raise ValueError(f"event_id: must be 16 bytes, not {len(row['event_id'])}")
    values["event_id"] = str(UUID(bytes=row["event_id"]))
    values["source_id"] = row["source_id"]
    try:
        values["time"] = EPOCH + row["time"] * MILLISECOND
    except OverflowError:
        raise ValueError("time: lies outside the years 1 to 9999") from None
    if row["reported_cost_nano_usd"] is not None:
        # UsageEvent rounds to 15 digits, so that it would let a little more pass.
        if row["reported_cost_nano_usd"] > MAX_COST_NANO_USD:
            raise ValueError(f"reported_cost_nano_usd: must be at most {MAX_COST_NANO_USD}")
        values["reported_cost_usd"] = Decimal(row["reported_cost_nano_usd"]).scaleb(-9)
    for name in ("quantities", "metadata"):
        if row[name]:
            values[name] = _read_object(name, row[name])
    return UsageEvent.model_validate(values)


def _read_object(name: str, text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        raise ValueError(f'{name}: must be a JSON object, or "" for none') from None


def row_as_sent(row: Mapping[str, Any]) -> bytes:
    """A valid row, `time` as a datetime, as the JSON of a sender; columns of later stages are left out."""
    return event_of({**row, "time": unix_ms(row["time"])}).to_json()


def row_as_json(row: Mapping[str, Any]) -> bytes:
    """A row for people who look for what was refused; what is absent is left out."""
    told = {name: value for name, value in row.items() if value not in ("", None, 0)}
    if isinstance(told.get("event_id"), bytes):
        told["event_id"] = told["event_id"].hex()
    return msgspec.json.encode(told)
