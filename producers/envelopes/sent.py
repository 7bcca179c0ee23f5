"""Events as they were sent: lines of JSON in, columns of what msgspec read out; and from those the events' own columns.

Both say which rows UsageEvent must decide; the values of such rows mean nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from producers.envelopes.canonical import metadata_text, quantities_text
from producers.envelopes.columns import COLUMNS
from producers.envelopes.decoded import Indexes
from producers.envelopes.event_ids import is_uuid, uuid_bytes
from producers.envelopes.instants import unix_ms_of_texts
from producers.envelopes.rows import unix_ms
from producers.envelopes.wire_event import ABSENT_OBJECT, WireEvent
from tokentally.decimals import read_decimal
from tokentally.fields import MAX_COST_USD
from tokentally.instants import instant_of_event_id, read_instant

FEW_LINES: Final = 16
"""Up to here UsageEvent alone is quicker than making columns first."""
SENT: Final = pl.Schema({**COLUMNS, "event_id": pl.String(), "time": pl.String()})
"""The columns of events as they were sent: texts where events have bytes and instants."""

_FIELDS = WireEvent.__struct_fields__
_decode = msgspec.json.Decoder(WireEvent).decode
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class SentLines:
    """sent: the events that msgspec read, in the columns of SENT; index: the places of their lines.

    again: the places of lines that UsageEvent must read.
    """

    sent: pl.DataFrame
    index: Indexes
    again: Sequence[int]


def read_lines(lines: Sequence[bytes]) -> SentLines:
    """Reads lines at sight."""
    events, index, again = _read(lines)
    if not events:
        return SentLines(pl.DataFrame(schema=SENT), index, again)
    columns = _Columns(events)
    return SentLines(columns.frame, index, [*again, *index[sorted(columns.wrong)].tolist()])


def as_events(sent: pl.DataFrame, organization: str) -> tuple[pl.DataFrame, npt.NDArray[np.int64]]:
    """The same rows in the columns of COLUMNS, and the rows that UsageEvent must decide.

    organization: filled in where an event names none.
    """
    keys, organizations = sent["event_id"], sent["organization"]
    if organization:
        organizations = organizations.replace("", organization)
    uuids = is_uuid(keys)
    milliseconds, unread = _times(sent["time"], keys)
    foreign = ~uuids & (sent["source_id"] != "") & (sent["source_id"] != keys)
    frame = sent.with_columns(
        uuid_bytes(keys, uuids, organizations).alias("event_id"),
        (sent["source_id"] if uuids.all() else sent["source_id"].zip_with(uuids, keys)).alias("source_id"),
        milliseconds.cast(COLUMNS["time"]).alias("time"),
        organizations.alias("organization"),
    )
    return frame, np.union1d(foreign.arg_true().to_numpy(), np.array(unread, np.int64))


def _times(texts: pl.Series, keys: pl.Series) -> tuple[pl.Series, list[int]]:
    """Unix milliseconds, and the rows whose text, or the time in whose key, cannot be read."""
    milliseconds = unix_ms_of_texts(texts)
    wrong: list[int] = []
    closer = milliseconds.is_null().arg_true()
    if closer.is_empty():
        return milliseconds, wrong
    found = []
    for row, text, key in zip(closer, texts[closer], keys[closer], strict=True):
        try:
            found.append(unix_ms(instant_of_event_id(key) if text is None else read_instant(text)))
        except ValueError:
            wrong.append(row)
            found.append(0)
    return milliseconds.scatter(closer, found), wrong


def _read(lines: Sequence[bytes]) -> tuple[list[WireEvent], Indexes, list[int]]:
    """Events, the places of their lines, and the places of lines that UsageEvent must read."""
    if len(lines) <= FEW_LINES:
        return [], np.empty(0, dtype=np.uint32), list(range(len(lines)))
    try:
        return list(map(_decode, lines)), np.arange(len(lines), dtype=np.uint32), []
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
    """Events as a frame with the columns of SENT, and the rows that UsageEvent must decide."""

    def __init__(self, events: Sequence[WireEvent]) -> None:
        self._height = len(events)
        self._values = dict(zip(_FIELDS, zip(*map(msgspec.structs.astuple, events), strict=True), strict=True))
        self.wrong: set[int] = set()
        made: dict[str, pl.Series] = {
            "reported_cost_nano_usd": self._costs(),
            "quantities": self._objects("quantities", quantities_text),
            "metadata": self._objects("metadata", metadata_text),
        }
        self.frame = pl.DataFrame([made[name] if name in made else self._plain(name) for name in SENT])

    def _plain(self, name: str) -> pl.Series:
        values = self._values[name]
        if self._same(values):
            return self._constant(name, values[0])
        return pl.Series(name, values, dtype=SENT[name])

    def _same(self, values: Sequence[Any]) -> bool:
        # Where values differ, the first and the last often do.
        return values[0] == values[-1] and values.count(values[0]) == self._height

    def _constant(self, name: str, value: object) -> pl.Series:
        return pl.Series(name, [value], dtype=SENT[name]).new_from_index(0, self._height)

    def _costs(self) -> pl.Series:
        costs = self._values["reported_cost_usd"]
        name = "reported_cost_nano_usd"
        if costs.count(None) == self._height:
            return self._constant(name, None)
        values = [None if cost is None else self._nano(row, cost) for row, cost in enumerate(costs)]
        return pl.Series(name, values, dtype=SENT[name])

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
        if self._same(raws):
            return self._constant(name, self._object(range(self._height), raws[0], canonical))
        texts = ["" if raw is ABSENT_OBJECT else self._object((row,), raw, canonical) for row, raw in enumerate(raws)]
        return pl.Series(name, texts, dtype=pl.String)

    def _object(self, rows: Sequence[int], raw: msgspec.Raw, canonical: Callable[[bytes], str]) -> str:
        try:
            return canonical(bytes(raw))
        except ValueError:
            self.wrong.update(rows)
            return ""
