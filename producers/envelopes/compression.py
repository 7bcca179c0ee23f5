"""Compressed bytes in, bytes out, never more than a limit: a bomb is noticed while it unfolds."""

import zlib
from typing import Final

import zstandard

from producers.errors import TooLarge, Unreadable

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
# What RFC 9659 allows on the web; a larger window would let a sender choose our memory.
_ZSTD_WINDOW_BYTES: Final = 1 << 23
_MAX_PARTS: Final = 2_000
"""Gzip members or zstd frames in a row; a hundred thousand empty ones would take seconds."""


def gunzip(value: bytes, limit_bytes: int) -> bytes:
    """The content of all gzip members.

    Raises TooLarge when there is more than `limit_bytes` of it, Unreadable when it is damaged or cut off.
    """
    parts: list[bytes] = []
    length = 0
    rest = value
    try:
        while rest:
            if len(parts) == _MAX_PARTS:
                raise _too_many_parts("gzip members")
            inflater = zlib.decompressobj(wbits=31)
            part = inflater.decompress(rest, limit_bytes + 1 - length)
            parts.append(part)
            length += len(part)
            if length > limit_bytes:
                raise _too_large("gzip", limit_bytes)
            if not inflater.eof:
                raise Unreadable("the gzip data is cut off: send it whole")
            rest = inflater.unused_data
    except zlib.error as problem:
        raise Unreadable(f"the gzip data cannot be read: {problem}") from None
    return b"".join(parts)


def unzstd(value: bytes, limit_bytes: int) -> bytes:
    """The content of all zstd frames. Raises like `gunzip`."""
    parts: list[bytes] = []
    room = limit_bytes
    rest = value
    try:
        while rest:
            if len(parts) == _MAX_PARTS:
                raise _too_many_parts("zstd frames")
            if _unfolds_to_more_than(room, rest):
                raise _too_large("zstd", limit_bytes)
            inflater = _decompressor().decompressobj()
            part = inflater.decompress(rest)
            if not inflater.eof:
                raise Unreadable("the zstd data is cut off: send it whole")
            parts.append(part)
            room -= len(part)
            rest = inflater.unused_data
    except zstandard.ZstdError as problem:
        raise Unreadable(f"the zstd data cannot be read: {problem}") from None
    return b"".join(parts)


def _unfolds_to_more_than(room: int, frame: bytes) -> bool:
    """Whether the first frame does. A size in its header is enforced by zstd; without one, it is measured."""
    announced = zstandard.frame_content_size(frame)
    if announced >= 0:
        return announced > room
    with _decompressor().stream_reader(frame) as reader:
        return len(reader.read(room + 1)) > room


def _decompressor() -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)


def inflate(value: bytes, limit_bytes: int) -> bytes:
    """What gzip or zstd hold, told apart by their first bytes; anything else as it is. Raises like `gunzip`."""
    if value.startswith(ZSTD_MAGIC):
        return unzstd(value, limit_bytes)
    if value.startswith(GZIP_MAGIC):
        return gunzip(value, limit_bytes)
    if len(value) > limit_bytes:
        raise TooLarge(f"{len(value)} bytes; at most {limit_bytes} are allowed")
    return value


def _too_large(what: str, limit_bytes: int) -> TooLarge:
    return TooLarge(f"the {what} data unfolds to more than {limit_bytes} bytes: send fewer events at once")


def _too_many_parts(what: str) -> Unreadable:
    return Unreadable(f"more than {_MAX_PARTS} {what} in a row: compress the events together")
