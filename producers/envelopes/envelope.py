"""The value of one Kafka message in, its valid events out, never raising on what it is given; and back."""

from collections.abc import Sequence

import polars as pl
import zstandard

from producers.envelopes import arrow, ndjson
from producers.envelopes.compression import inflate
from producers.envelopes.decoded import Decoded, refused_whole
from producers.envelopes.ndjson import ReadLines
from producers.errors import TooLarge, Unreadable
from tokentally.envelope import ARROW_STREAM, MAX_DECOMPRESSED_BYTES, NDJSON

_ARROW_BEGIN = b"\xff\xff\xff\xff"
_FEW_EVENTS = 250
Opened = Decoded | pl.DataFrame | ReadLines
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
    return checked([open_envelope(value, content_type)])[0]


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


def checked(envelopes: Sequence[Opened]) -> list[Decoded]:
    """The valid events of each envelope."""
    of_lines = iter(ndjson.decoded([envelope for envelope in envelopes if isinstance(envelope, ReadLines)]))
    return arrow.checked([next(of_lines) if isinstance(envelope, ReadLines) else envelope for envelope in envelopes])


def format_of(content: bytes, content_type: str | None) -> str:
    """arrow or ndjson for unpacked content; "" for a content type that is neither."""
    if not content_type:
        return "arrow" if content.startswith(_ARROW_BEGIN) else "ndjson"
    name = content_type.partition(";")[0].strip().lower()
    return {ARROW_STREAM: "arrow", NDJSON: "ndjson"}.get(name, "")
