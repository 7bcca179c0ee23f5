"""NDJSON to columns: lines of JSON in, a frame of valid events out; one bad line never costs a good one.

The usual events are read by msgspec and checked by columns. A line that this fast path does not like, or cannot judge,
is read again by UsageEvent, whose word is final: a line is accepted if and only if UsageEvent accepts it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl
from pydantic import ValidationError

from producers.envelopes.canonical import metadata_text, quantities_text
from producers.envelopes.columns import COLUMNS, empty_frame
from producers.envelopes.decoded import Decoded, Indexes, Rejected, RejectionKind, refusal, refused_whole
from producers.envelopes.doubts import doubts
from producers.envelopes.event_ids import is_uuid, uuid_bytes
from producers.envelopes.instants import unix_ms_of_texts
from producers.envelopes.merge import merged
from producers.envelopes.rows import unix_ms
from producers.envelopes.wire_event import ABSENT_OBJECT, WireEvent
from tokentally import UsageEvent
from tokentally.decimals import read_decimal
from tokentally.envelope import MAX_EVENTS
from tokentally.fields import MAX_COST_USD
from tokentally.instants import instant_of_event_id, read_instant

FEW_LINES: Final = 16
"""Up to here UsageEvent alone is quicker than making columns first."""
LINES_AT_ONCE: Final = 1000
"""Lines that are read into Python objects together: more would not fit into a processor's caches."""

_FIELDS = WireEvent.__struct_fields__
_decode = msgspec.json.Decoder(WireEvent).decode
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class ReadLines:
    """Lines as they were read at sight, not judged yet.

    frame: the events that msgspec read, in columns; index: the places of their lines. again: the places of lines that
    UsageEvent must read; those among them that are rows of the frame mean nothing there.
    """

    frame: pl.DataFrame
    index: Indexes
    again: Sequence[int]


def lines_of(block: bytes) -> list[bytes]:
    """The lines that are not blank."""
    return [line for line in block.split(b"\n") if line and not line.isspace()]


def decode(block: bytes, max_events: int = MAX_EVENTS) -> Decoded:
    """The valid events of an NDJSON block; never raises on its content. More than `max_events` are refused whole."""
    lines = opened(block, max_events)
    return lines if isinstance(lines, Decoded) else decode_lines(lines)


def opened(block: bytes, max_events: int = MAX_EVENTS) -> Decoded | list[bytes]:
    """The lines of an envelope, not read yet, or the refusal of the whole."""
    lines = lines_of(block)
    if len(lines) > max_events:
        return refused_whole(f"{len(lines)} events in one envelope; at most {max_events} are allowed", block)
    return lines


def decode_lines(lines: Sequence[bytes], organization: str = "") -> Decoded:
    """The valid events among JSON texts, one event each; whose envelopes they come from makes no difference.

    organization: filled in where an event names none.
    """
    if not lines:
        return Decoded(empty_frame(), np.empty(0, np.uint32), [])
    starts = range(0, len(lines), LINES_AT_ONCE)
    blocks = [read_lines(lines[start : start + LINES_AT_ONCE], organization) for start in starts]
    frame = pl.concat([block.frame for block in blocks])
    index = np.concatenate([block.index + np.uint32(start) for start, block in zip(starts, blocks, strict=True)])
    again = {start + place for start, block in zip(starts, blocks, strict=True) for place in block.again}
    doubtful = doubts(frame)
    if doubtful is not None:
        again.update(index[doubtful.to_numpy()].tolist())
    if not again:
        return Decoded(frame, index, [])
    return _looked_at_again(lines, organization, Decoded(frame, index, []), again)


def read_lines(lines: Sequence[bytes], organization: str = "") -> ReadLines:
    """Reads lines into columns."""
    events, index, again = _read(lines)
    if not events:
        return ReadLines(empty_frame(), index, again)
    columns = _Columns(events, organization)
    return ReadLines(columns.frame, index, [*again, *index[sorted(columns.wrong)].tolist()])


def _looked_at_again(lines: Sequence[bytes], organization: str, read: Decoded, again: set[int]) -> Decoded:
    sure = ~np.isin(read.index, list(again))
    decided: dict[int, UsageEvent] = {}
    rejected: list[Rejected] = []
    for place in sorted(again):
        event = _second_look(place, lines[place], organization)
        if isinstance(event, Rejected):
            rejected.append(event)
        else:
            decided[place] = event
    return merged(read.frame.filter(sure), read.index[sure], decided, rejected)


def _read(lines: Sequence[bytes]) -> tuple[list[WireEvent], Indexes, list[int]]:
    """Events, the places of their lines, and the places of lines that UsageEvent must read."""
    if len(lines) <= FEW_LINES:
        return [], np.empty(0, dtype=np.uint32), list(range(len(lines)))
    try:
        return [_decode(line) for line in lines], np.arange(len(lines), dtype=np.uint32), []
    except _REFUSED:
        pass
    events, places, refused = [], [], []
    for place, line in enumerate(lines):
        try:
            events.append(_decode(line))
        except _REFUSED:
            refused.append(place)
        else:
            places.append(place)
    return events, np.array(places, dtype=np.uint32), refused


class _Columns:
    """Events as a frame, and the rows that UsageEvent must decide (their values in the frame mean nothing)."""

    def __init__(self, events: Sequence[WireEvent], organization: str) -> None:
        self._height = len(events)
        self._values = dict(zip(_FIELDS, zip(*map(msgspec.structs.astuple, events), strict=True), strict=True))
        self.wrong: set[int] = set()
        keys = pl.Series(self._values["event_id"], dtype=pl.String)
        organizations = self._organizations(organization)
        uuids = is_uuid(keys)
        made: dict[str, pl.Series] = {
            "event_id": uuid_bytes(keys, uuids, organizations),
            "source_id": self._source_ids(keys, uuids),
            "time": self._times(keys),
            "organization": organizations,
            "reported_cost_nano_usd": self._costs(),
            "quantities": self._objects("quantities", quantities_text),
            "metadata": self._objects("metadata", metadata_text),
        }
        self.frame = pl.DataFrame({name: made[name] if name in made else self._plain(name) for name in COLUMNS})

    def _plain(self, name: str) -> pl.Series:
        values, dtype = self._values[name], COLUMNS[name]
        if values.count(values[0]) == self._height:
            return self._constant(values[0], dtype)
        return pl.Series(name, values, dtype=dtype)

    def _constant(self, value: object, dtype: pl.DataType) -> pl.Series:
        return pl.Series([value], dtype=dtype).new_from_index(0, self._height)

    def _organizations(self, default: str) -> pl.Series:
        given = self._plain("organization")
        return given.replace("", default) if default and "" in self._values["organization"] else given

    def _source_ids(self, keys: pl.Series, uuids: pl.Series) -> pl.Series:
        given = self._plain("source_id")
        if uuids.all():
            return given
        self.wrong.update((~uuids & (given != "") & (given != keys)).arg_true())
        return given.zip_with(uuids, keys)

    def _times(self, keys: pl.Series) -> pl.Series:
        times = self._values["time"]
        milliseconds = unix_ms_of_texts(pl.Series(times, dtype=pl.String))
        unread = milliseconds.is_null().arg_true().to_list()
        if unread:
            milliseconds = milliseconds.scatter(unread, [self._instant(row, times[row], keys[row]) for row in unread])
        return milliseconds.cast(COLUMNS["time"])

    def _instant(self, row: int, text: str | None, key: str) -> int:
        try:
            return unix_ms(instant_of_event_id(key) if text is None else read_instant(text))
        except ValueError:
            self.wrong.add(row)
            return 0

    def _costs(self) -> pl.Series:
        costs = self._values["reported_cost_usd"]
        dtype = COLUMNS["reported_cost_nano_usd"]
        if costs.count(None) == self._height:
            return self._constant(None, dtype)
        return pl.Series(
            [None if cost is None else self._nano(row, cost) for row, cost in enumerate(costs)], dtype=dtype
        )

    def _nano(self, row: int, cost: float | int | str) -> int | None:
        try:
            usd = read_decimal(cost)
        except ValueError:
            self.wrong.add(row)
            return None
        if usd > MAX_COST_USD:
            self.wrong.add(row)
            return None
        return int(usd.scaleb(9))

    def _objects(self, name: str, canonical: Callable[[bytes], str]) -> pl.Series:
        raws: tuple[Any, ...] = self._values[name]
        if raws.count(raws[0]) == self._height:
            return self._constant(self._object(range(self._height), raws[0], canonical), COLUMNS[name])
        texts = ["" if raw is ABSENT_OBJECT else self._object((row,), raw, canonical) for row, raw in enumerate(raws)]
        return pl.Series(texts, dtype=pl.String)

    def _object(self, rows: Sequence[int], raw: msgspec.Raw, canonical: Callable[[bytes], str]) -> str:
        try:
            return canonical(bytes(raw))
        except ValueError:
            self.wrong.update(rows)
            return ""


def _second_look(place: int, line: bytes, organization: str) -> UsageEvent | Rejected:
    try:
        return UsageEvent.model_validate_json(line)
    except ValidationError as problem:
        error = problem
    if organization and any(each["type"] == "missing" and each["loc"] == ("organization",) for each in error.errors()):
        try:
            return UsageEvent.model_validate_json(_with_organization(line, organization))
        except ValidationError as problem:
            error = problem
    broken = any(each["type"] == "json_invalid" for each in error.errors(include_url=False))
    kind = RejectionKind.NOT_JSON if broken else RejectionKind.INVALID
    return Rejected(place, refusal(error), line, kind)


def _with_organization(line: bytes, organization: str) -> bytes:
    """The object with `organization` as its first member; `line` is an object that has none."""
    rest = line.lstrip()[1:]
    separator = b"" if rest.lstrip().startswith(b"}") else b","
    return b'{"organization":' + msgspec.json.encode(organization) + separator + rest
