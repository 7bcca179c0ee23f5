"""Arrow envelopes: a frame of events to an Arrow IPC stream and back, believing nothing that comes from outside."""

import io
from collections.abc import Collection, Sequence
from itertools import zip_longest
from typing import Final, Literal

import numpy as np
import polars as pl
from pydantic import ValidationError

from producers.envelopes.arrow_size import unpacked_bytes
from producers.envelopes.columns import COLUMNS, LATER, NULLABLE
from producers.envelopes.decoded import Decoded, Indexes, Rejected, clipped, refusal, refused_whole
from producers.envelopes.doubts import doubts, rows_with_nulls
from producers.envelopes.merge import merged
from producers.envelopes.rows import event_of, row_as_json
from producers.errors import Unreadable
from tokentally import UsageEvent
from tokentally.envelope import MAX_DECOMPRESSED_BYTES, MAX_EVENTS

_NAMES: Final = COLUMNS.names()
_MOST_IN_MEMORY: Final = 2 * MAX_DECOMPRESSED_BYTES
"""What rows that share nothing never need: in memory they are laid out as in the stream."""


def encode(frame: pl.DataFrame, compression: Literal["zstd", "uncompressed"] = "zstd") -> bytes:
    """An Arrow IPC stream, its buffers compressed or not. The frame has the columns of COLUMNS, in any order."""
    stream = io.BytesIO()
    ordered = frame if frame.columns == _NAMES else frame.select(_NAMES)
    ordered.rechunk().write_ipc_stream(stream, compression=compression)
    return stream.getvalue()


def decode(value: bytes, max_events: int = MAX_EVENTS, skipped: Collection[int] = ()) -> Decoded:
    """The valid events of an envelope; never raises on its content.

    A value that cannot be read, has other columns, unfolds to more than MAX_DECOMPRESSED_BYTES or holds more than
    `max_events` is refused whole; invalid rows are refused one by one. Rows at the positions `skipped` are left out.
    """
    frame = opened(value, max_events)
    if isinstance(frame, Decoded):
        return frame
    index = _places(frame)
    if skipped:
        index = index[~np.isin(index, list(skipped))]
        frame = frame[index]
    return _valid_rows(frame, index)


def opened(value: bytes, max_events: int = MAX_EVENTS) -> Decoded | pl.DataFrame:
    """The rows of an envelope, not checked yet, or the refusal of the whole."""
    try:
        frame = _read(value)
    except Unreadable as problem:
        return refused_whole(str(problem), value)
    if frame.height > max_events:
        return refused_whole(f"{frame.height} events in one envelope; at most {max_events} are allowed", value)
    return frame


def checked(envelopes: Sequence[pl.DataFrame]) -> Decoded:
    """The valid events of these envelopes, their places counted through all of them.

    All are looked at together: most of what that costs is the same for one row and for a hundred thousand.
    """
    together = pl.concat(envelopes, rechunk=True)
    return _valid_rows(together, _places(together))


def _places(frame: pl.DataFrame) -> Indexes:
    return np.arange(frame.height, dtype=np.uint32)


def height(value: bytes) -> int:
    """How many rows an envelope holds. Raises Unreadable."""
    return _read(value).height


def row_text(value: bytes, position: int) -> bytes:
    """A row as JSON for people. Raises Unreadable or IndexError."""
    return row_as_json(_row(_read(value), position))


def _read(value: bytes) -> pl.DataFrame:
    size = unpacked_bytes(value)
    if size > MAX_DECOMPRESSED_BYTES:
        raise Unreadable(f"the envelope unfolds to {size} bytes; at most {MAX_DECOMPRESSED_BYTES} are allowed")
    try:
        frame = pl.read_ipc_stream(io.BytesIO(value)).rechunk()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as problem:
        raise Unreadable(f"the Arrow stream cannot be read: {problem}") from None
    frame = _completed(frame)
    for wanted, found in zip_longest(COLUMNS.items(), frame.schema.items()):
        if wanted != found:
            raise Unreadable(
                f"wrong columns: expected {_described(wanted)}, found {_described(found)}; "
                "send all columns of the contract in their order, or send NDJSON"
            )
    # Rows may share their bytes: a thousand that point to one long text are a bomb that weighs little.
    if (told := frame.estimated_size()) > _MOST_IN_MEMORY:
        raise Unreadable(f"the rows of the envelope unfold to {told} bytes; at most {_MOST_IN_MEMORY} are allowed")
    return frame


def _completed(frame: pl.DataFrame) -> pl.DataFrame:
    """An envelope of an earlier version, with the columns that came later; the log keeps them for years."""
    if set(LATER) & set(frame.columns) or frame.columns != [name for name in _NAMES if name not in LATER]:
        return frame
    return frame.with_columns(pl.lit("").alias(name) for name in LATER).select(_NAMES)


def _described(column: tuple[str, pl.DataType] | None) -> str:
    return f"{column[0][:80]!r} of type {column[1]}" if column else "no further column"


def _valid_rows(frame: pl.DataFrame, index: Indexes) -> Decoded:
    rejected: list[Rejected] = []
    holes = rows_with_nulls(frame)
    if holes is not None:
        for place in holes.arg_true().to_list():
            row = _row(frame, place)
            rejected.append(Rejected(int(index[place]), _hole(row), row_as_json(row)))
        index = index[(~holes).to_numpy()]
        frame = frame.filter(~holes)
    doubtful = doubts(frame)
    if doubtful is None:
        return Decoded(frame, index, rejected)
    decided: dict[int, UsageEvent] = {}
    for place in doubtful.arg_true().to_list():
        row = _row(frame, place)
        number = int(index[place])
        try:
            decided[number] = event_of(row)
        except ValidationError as problem:
            rejected.append(Rejected(number, refusal(problem), row_as_json(row)))
        except ValueError as problem:
            rejected.append(Rejected(number, clipped(str(problem)), row_as_json(row)))
    sure = ~doubtful
    return merged(frame.filter(sure), index[sure.to_numpy()], decided, rejected)


def _row(frame: pl.DataFrame, place: int) -> dict[str, object]:
    """The row with `time` as Unix milliseconds, which may lie beyond Python's years."""
    return frame[place].with_columns(pl.col("time").to_physical()).row(0, named=True)


def _hole(row: dict[str, object]) -> str:
    names = [name for name, value in row.items() if value is None and name not in NULLABLE]
    return clipped(f'null in {", ".join(names)}: write "" or 0 for what is absent')
