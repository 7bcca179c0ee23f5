"""Envelopes decoded without some of their events: what must not be looked into never is, as far as the format allows.

Lines of NDJSON are independent. An Arrow stream is read as a whole; its rows are left out before they are checked.
"""

from collections.abc import Collection

import numpy as np

from producers.envelopes import arrow, ndjson
from producers.envelopes.compression import inflate
from producers.envelopes.decoded import Decoded, Rejected, refused_whole
from producers.envelopes.envelope import decode_envelope, format_of
from producers.errors import TooLarge, Unreadable
from tokentally.envelope import MAX_DECOMPRESSED_BYTES, MAX_EVENTS


def decode_without(value: bytes, content_type: str | None, skipped: Collection[int]) -> Decoded:
    """What decode_envelope gives, without the events at the positions `skipped`, which are not mentioned.

    An envelope that is refused whole is refused whole here too.
    """
    try:
        content = inflate(value, MAX_DECOMPRESSED_BYTES)
    except (TooLarge, Unreadable) as problem:
        return refused_whole(str(problem), value)
    match format_of(content, content_type):
        case "arrow":
            return arrow.decode(content, skipped=skipped)
        case "ndjson" if content:
            return _lines_without(content, skipped)
        case _:
            return decode_envelope(value, content_type)


def event_count(value: bytes, content_type: str | None) -> int | None:
    """How many events the envelope holds, looking into none of its lines; None when it is refused whole."""
    try:
        content = inflate(value, MAX_DECOMPRESSED_BYTES)
        match format_of(content, content_type):
            case "arrow":
                count = arrow.height(content)
            case "ndjson":
                count = len(ndjson.lines_of(content))
            case _:
                return None
    except (TooLarge, Unreadable):
        return None
    return count if 0 < count <= MAX_EVENTS else None


def event_bytes(value: bytes, content_type: str | None, position: int) -> bytes:
    """One event for people: its line, or its row as JSON. Raises like `inflate` and IndexError."""
    content = inflate(value, MAX_DECOMPRESSED_BYTES)
    if format_of(content, content_type) == "arrow":
        return arrow.row_text(content, position)
    return ndjson.lines_of(content)[position]


def _lines_without(block: bytes, skipped: Collection[int]) -> Decoded:
    lines = ndjson.lines_of(block)
    if len(lines) > MAX_EVENTS:
        return ndjson.decode(block)
    kept = [place for place in range(len(lines)) if place not in skipped]
    decoded = ndjson.decode_lines([lines[place] for place in kept])
    places = np.array(kept, np.uint32)
    rejected = [
        Rejected(None if each.index is None else kept[each.index], each.reason, each.raw, each.kind)
        for each in decoded.rejected
    ]
    return Decoded(decoded.frame, places[decoded.index], rejected)
