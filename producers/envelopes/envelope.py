"""The value of one Kafka message in, its valid events out, never raising on what it is given; and back."""

from collections.abc import Sequence
from itertools import groupby

import polars as pl
import zstandard

from producers.envelopes import arrow, ndjson
from producers.envelopes.compression import inflate
from producers.envelopes.decoded import Decoded, refused_whole
from producers.envelopes.together import Together, apart, joined
from producers.errors import TooLarge, Unreadable
from tokentally.envelope import ARROW_STREAM, MAX_DECOMPRESSED_BYTES, NDJSON

_ARROW_BEGIN = b"\xff\xff\xff\xff"
_FEW_EVENTS = 250
Opened = Decoded | pl.DataFrame | list[bytes]
"""What opening an envelope gives: all of Decoded, or rows or lines that are still to be checked."""


def encode_envelope(frame: pl.DataFrame) -> bytes:
    """The events as one message of content type ARROW_STREAM; the frame has the columns of COLUMNS.

    With few events the headers of all the columns weigh ten times what the events do: then the stream is compressed as
    a whole, else buffer by buffer, which is a little quicker to read.
    """
    if frame.height <= _FEW_EVENTS:
        return zstandard.compress(arrow.encode(frame, "uncompressed"))
    return arrow.encode(frame)


def decode_envelope(value: bytes, content_type: str | None) -> Decoded:
    """The events of an envelope, whichever of the two formats it has; compression is recognised by its first bytes.

    content_type: the message's header; None: told by the content.
    """
    opened = open_envelope(value, content_type)
    return opened if isinstance(opened, Decoded) else _checked([opened])


def open_envelope(value: bytes, content_type: str | None) -> Opened:
    """The first half of decode_envelope; the other, `checked`, is best done for many envelopes at once."""
    try:
        content = inflate(value, MAX_DECOMPRESSED_BYTES)
    except (TooLarge, Unreadable) as problem:
        return refused_whole(str(problem), value)
    match format_of(content, content_type):
        case "arrow":
            return arrow.opened(content)
        case "ndjson":
            return ndjson.opened(content) if content else refused_whole("the envelope is empty", value)
        case _:
            return refused_whole(
                f"unknown content-type {(content_type or '')[:80]!r}: expected {NDJSON} or {ARROW_STREAM}", value
            )


def checked(envelopes: Sequence[Opened]) -> Together:
    """The valid events of these envelopes and what was refused of each."""
    return joined([_run(list(alike)) for _, alike in groupby(envelopes, type)])


def _run(alike: Sequence[Opened]) -> Together:
    """Neighbours of one type are checked together."""
    if isinstance(alike[0], Decoded):
        return joined([Together.of(decoded) for decoded in alike if isinstance(decoded, Decoded)])
    return apart(_checked(alike), [len(envelope) for envelope in alike if not isinstance(envelope, Decoded)])


def _checked(alike: Sequence[Opened]) -> Decoded:
    frames = [envelope for envelope in alike if isinstance(envelope, pl.DataFrame)]
    if frames:
        return arrow.checked(frames)
    return ndjson.decode_lines([line for lines in alike if isinstance(lines, list) for line in lines])


def format_of(content: bytes, content_type: str | None) -> str:
    """arrow or ndjson for unpacked content; "" for a content type that is neither."""
    if not content_type:
        return "arrow" if content.startswith(_ARROW_BEGIN) else "ndjson"
    name = content_type.partition(";")[0].strip().lower()
    return {ARROW_STREAM: "arrow", NDJSON: "ndjson"}.get(name, "")
