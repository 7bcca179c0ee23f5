"""The body of a request: bytes and what its headers say in, one JSON text per event out."""

from collections.abc import Sequence

import msgspec

from producers.envelopes.compression import gunzip, unzstd
from producers.envelopes.ndjson import lines_of
from producers.errors import TooLarge, Unreadable

_JSON = "application/json"
_NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
# What clients send when nobody told them: curl, fetch, and the like.
_UNSAID = frozenset({"", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"})

_raw = msgspec.json.Decoder(msgspec.Raw)
_raw_array = msgspec.json.Decoder(list[msgspec.Raw])
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def unpacked(body: bytes, content_encoding: str, limit_bytes: int) -> bytes:
    """The body without its Content-Encoding (identity, gzip, zstd).

    Raises TooLarge beyond `limit_bytes`, noticed while unpacking; Unreadable for damage or another encoding.
    """
    match content_encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return gunzip(body, limit_bytes)
        case "zstd":
            return unzstd(body, limit_bytes)
        case other:
            raise Unreadable(f"unknown Content-Encoding {other[:80]!r}: expected identity, gzip or zstd")


def events_in(body: bytes, content_type: str, max_events: int) -> Sequence[bytes]:
    """One JSON text per event.

    application/json holds one event or an array of events, application/x-ndjson one event a line; what is not said is
    told by the content. Raises Unreadable when there is no event or the format is another, TooLarge beyond
    `max_events`.
    """
    texts = _texts(body, content_type.partition(";")[0].strip().lower())
    if not texts:
        raise Unreadable("no events were sent: send one JSON event, a JSON array of events, or one event a line")
    if len(texts) > max_events:
        raise TooLarge(f"{len(texts)} events in one request; at most {max_events} are allowed: send several requests")
    return texts


def _texts(body: bytes, content_type: str) -> Sequence[bytes]:
    if content_type in _NDJSON:
        return lines_of(body)
    if content_type != _JSON and content_type not in _UNSAID:
        raise Unreadable(f"unknown Content-Type {content_type[:80]!r}: expected {_JSON} or application/x-ndjson")
    if body.lstrip()[:1] == b"[":
        return _elements(body)
    if content_type == _JSON or _is_one_value(body):
        return [body] if body.strip() else []
    return lines_of(body)


def _elements(body: bytes) -> Sequence[bytes]:
    try:
        return [bytes(element) for element in _raw_array.decode(body)]
    except _BROKEN as problem:
        raise Unreadable(f"the JSON array cannot be read: {problem}") from None


def _is_one_value(body: bytes) -> bool:
    try:
        _raw.decode(body)
    except _BROKEN:
        return False
    return True
