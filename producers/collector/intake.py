"""One request's events: JSON texts and the sender's key in; what goes to which partition, and what is refused, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from producers.envelopes.decoded import Indexes, Rejected, RejectionKind
from producers.envelopes.ndjson import decode_lines
from producers.errors import Unreadable
from producers.keys.api_key import ApiKey
from tokentally import partition_of

Numbers = npt.NDArray[np.int64]

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


def take_in(texts: Sequence[bytes], key: ApiKey, partitions: int) -> Intake:
    """Validates the events and sorts them by partition.

    The key's organization is filled in where an event names none and must equal what an event names; the key's id is
    filled in as api_key_id. Raises Unreadable when not one of the texts is JSON.
    """
    decoded = decode_lines(texts, key.organization or "")
    if len(decoded.rejected) == len(texts) and all(r.kind is RejectionKind.NOT_JSON for r in decoded.rejected):
        raise Unreadable(f"the body is not JSON: {decoded.rejected[0].reason}")
    frame, index, rejected = decoded.frame, decoded.index, list(decoded.rejected)
    if key.organization is not None:
        own = frame["organization"] == key.organization
        if not own.all():
            kept = own.to_numpy()
            rejected += [_foreign(int(place), texts[place]) for place in index[~kept]]
            rejected.sort(key=lambda each: -1 if each.index is None else each.index)
            frame, index = frame.filter(own), index[kept]
    frame = frame.with_columns(pl.col("api_key_id").replace("", key.id))
    sizes = np.fromiter((len(texts[place]) for place in index), np.int64, len(index)) + ROW_BYTES
    return Intake(texts, index, _parts(frame, sizes, partitions), _repeated(frame, index), rejected)


def _foreign(place: int, text: bytes) -> Rejected:
    reason = "organization: the key belongs to another organization; leave the field out, or use that one's key"
    return Rejected(place, reason, text, RejectionKind.NOT_ALLOWED)


def _parts(frame: pl.DataFrame, sizes: Numbers, partitions: int) -> Sequence[Part]:
    names = frame["organization"].unique().to_list()
    places = {name: partition_of(name, partitions) for name in names}
    if len(set(places.values())) <= 1:
        return [Part(partition, frame, np.arange(frame.height), sizes) for partition in set(places.values())]
    chosen = frame["organization"].replace_strict(places, return_dtype=pl.Int64).to_numpy()
    parts = []
    for partition in np.unique(chosen).tolist():
        rows = (chosen == partition).nonzero()[0]
        parts.append(Part(partition, frame[rows], rows, sizes[rows]))
    return parts


def _repeated(frame: pl.DataFrame, index: Indexes) -> frozenset[int]:
    if frame.height < 2:
        return frozenset()
    identity = frame.select(pl.struct("organization", "event_id").is_first_distinct().alias("first"))["first"]
    return frozenset() if identity.all() else frozenset(index[~identity.to_numpy()].tolist())


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
