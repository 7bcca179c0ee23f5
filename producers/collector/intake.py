"""One request's events: JSON texts and the sender's key in; what goes to which partition, and what is refused, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from producers.envelopes.decoded import Indexes, Rejected, RejectionKind
from producers.envelopes.ndjson import decode_lines
from producers.errors import Unreadable
from producers.keys.api_key import ApiKey
from producers.timeliness.rules import TimeRules
from tokentally import partition_of

Numbers = npt.NDArray[np.int64]

TIME_RULES: Final = TimeRules()
ROW_BYTES: Final = 1_000
"""More than a row needs beside its texts: numbers, views of texts, a mapped key."""


@dataclass(frozen=True, slots=True)
class Part:
    """The events of one partition.

    rows: their places among the accepted events. sizes: upper bounds of their bytes in an envelope.
    """

    partition: int
    frame: pl.DataFrame
    rows: Numbers
    sizes: Numbers


@dataclass(frozen=True, slots=True)
class Intake:
    """index: places in the request of the accepted events. duplicates: those that repeat an earlier one of it."""

    texts: Sequence[bytes]
    index: Indexes
    parts: Sequence[Part]
    duplicates: frozenset[int]
    rejected: Sequence[Rejected]


def take_in(texts: Sequence[bytes], key: ApiKey, partitions: int, now: datetime) -> Intake:
    """Validates the events and sorts them by partition.

    The key's organization is filled in where an event names none and must equal what an event names; the key's id is
    filled in as api_key_id. `now` judges times as the log's clock will.

    Raises Unreadable when not one of the texts is JSON.
    """
    decoded = decode_lines(texts, key.organization or "")
    if len(decoded.rejected) == len(texts) and all(r.kind is RejectionKind.NOT_JSON for r in decoded.rejected):
        raise Unreadable(f"the body is not JSON: {decoded.rejected[0].reason}")
    frame, index, rejected = decoded.frame, decoded.index, list(decoded.rejected)
    if key.organization is not None and frame["organization"].unique().to_list() not in ([], [key.organization]):
        own = frame["organization"] == key.organization
        kept = own.to_numpy()
        rejected += [_foreign(int(place), texts[place]) for place in index[~kept]]
        frame, index = frame.filter(own), index[kept]
    frame, index = _timely(frame, index, texts, rejected, now)
    frame = frame.with_columns(pl.col("api_key_id").replace("", key.id))
    rejected.sort(key=lambda each: -1 if each.index is None else each.index)
    sizes = np.fromiter((len(texts[place]) for place in index), np.int64, len(index)) + ROW_BYTES
    return Intake(texts, index, _parts(frame, sizes, partitions), _repeated(frame, index), rejected)


def _timely(
    frame: pl.DataFrame, index: Indexes, texts: Sequence[bytes], rejected: list[Rejected], now: datetime
) -> tuple[pl.DataFrame, Indexes]:
    """Without events from the future or before the cut, which the workers would refuse: the sender is told at once."""
    first, last = frame["time"].min(), frame["time"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return frame, index
    if first >= TIME_RULES.cut and last <= now:
        return frame, index
    arrival = pl.lit(now).cast(pl.Datetime("ms", "UTC")).alias("append_time")
    verdicts = TIME_RULES.judged(frame.select("time", arrival))["refusal"]
    fine = (verdicts == "").to_numpy()
    if fine.all():
        return frame, index
    refused = zip(index[~fine].tolist(), verdicts.filter(pl.Series(~fine)).to_list(), strict=True)
    rejected += [Rejected(place, reason, texts[place]) for place, reason in refused]
    return frame.filter(pl.Series(fine)), index[fine]


def _foreign(place: int, text: bytes) -> Rejected:
    reason = "organization: the key belongs to another organization; leave the field out, or use that one's key"
    return Rejected(place, reason, text, RejectionKind.NOT_ALLOWED)


def _parts(frame: pl.DataFrame, sizes: Numbers, partitions: int) -> Sequence[Part]:
    names = frame["organization"].unique().to_list()
    places = {name: partition_of(name, partitions) for name in names}
    if len(set(places.values())) <= 1:
        return [Part(partition, frame, np.arange(frame.height), sizes) for partition in set(places.values())]
    chosen = np.fromiter(map(places.__getitem__, frame["organization"].to_list()), np.int64, frame.height)
    order = np.argsort(chosen, kind="stable")
    sorted_frame, sorted_chosen = frame[order], chosen[order]
    starts = np.flatnonzero(np.diff(sorted_chosen, prepend=-1)).tolist()
    parts = []
    for start, end in pairwise([*starts, frame.height]):
        rows = order[start:end]
        parts.append(Part(int(sorted_chosen[start]), sorted_frame[start:end], rows, sizes[rows]))
    return parts


def _repeated(frame: pl.DataFrame, index: Indexes) -> frozenset[int]:
    if len(set(frame["event_id"].to_list())) == frame.height:
        return frozenset()
    first = frame.select(first=pl.struct("organization", "event_id").is_first_distinct()).to_series().to_numpy()
    return frozenset(index[~first].tolist())


class _Named(msgspec.Struct):
    event_id: str | None = None
    organization: str | None = None


_named = msgspec.json.Decoder(_Named).decode


def names_in(text: bytes) -> tuple[str, str]:
    """Event id and organization as they were sent; "" where they cannot be read."""
    try:
        found = _named(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "", ""
    return (found.event_id or "")[:256], (found.organization or "")[:256]
