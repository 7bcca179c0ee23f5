"""How large an Arrow IPC stream says it will be when unpacked, read from its headers without unpacking anything.

Every compressed buffer begins with its unpacked length, and a reader reserves that much before it looks further:
without this check a few bytes could claim all memory. Only schema and record batch messages are let through.
Source: the Arrow columnar format (IPC) and the FlatBuffers wire format.
"""

import struct
from typing import Final

from producers.errors import Unreadable

_CONTINUATION: Final = b"\xff\xff\xff\xff"
_SCHEMA: Final = 1
_RECORD_BATCH: Final = 3
_UNCOMPRESSED: Final = -1

# Fields by their number in the FlatBuffers tables.
_MESSAGE_HEADER_TYPE, _MESSAGE_HEADER, _MESSAGE_BODY_LENGTH = 1, 2, 3
_BATCH_BUFFERS, _BATCH_COMPRESSION = 2, 3


def unpacked_bytes(stream: bytes) -> int:
    """The sum of all buffers of all batches. Raises Unreadable for what is no Arrow stream of batches."""
    view = memoryview(stream)
    total = position = 0
    try:
        while position < len(view):
            if stream[position : position + 4] != _CONTINUATION:
                raise Unreadable("not an Arrow IPC stream")
            (length,) = struct.unpack_from("<i", view, position + 4)
            if length == 0:
                break
            metadata = view[position + 8 : position + 8 + length]
            body = position + 8 + length
            batch_bytes, body_bytes = _message(metadata, view[body:])
            total += batch_bytes
            position = body + body_bytes
    except (struct.error, IndexError, ValueError) as problem:
        raise Unreadable(f"the Arrow stream is damaged: {problem}") from None
    return total


def _message(metadata: memoryview, rest: memoryview) -> tuple[int, int]:
    """Unpacked bytes of the message's buffers, and the length of its body."""
    message = _Table.root(metadata)
    kind = message.scalar(_MESSAGE_HEADER_TYPE, "<B")
    body_bytes = message.scalar(_MESSAGE_BODY_LENGTH, "<q")
    if kind not in (_SCHEMA, _RECORD_BATCH) or not 0 <= body_bytes <= len(rest):
        raise Unreadable("the Arrow stream holds other messages than a schema and record batches, or is cut off")
    if kind == _SCHEMA:
        return 0, body_bytes
    batch = message.table(_MESSAGE_HEADER)
    compressed = batch.offset(_BATCH_COMPRESSION) != 0
    return sum(_buffer_bytes(rest, *buffer, compressed) for buffer in batch.pairs(_BATCH_BUFFERS)), body_bytes


def _buffer_bytes(body: memoryview, start: int, length: int, compressed: bool) -> int:
    if start < 0 or length < 0 or start + length > len(body):
        raise Unreadable("a buffer of the Arrow stream lies outside of it")
    if not compressed or length == 0:
        return length
    (unpacked,) = struct.unpack_from("<q", body, start)
    if unpacked == _UNCOMPRESSED:
        return length
    if unpacked < 0:
        raise Unreadable("a buffer of the Arrow stream has a negative length")
    return int(unpacked)


class _Table:
    """One FlatBuffers table."""

    def __init__(self, data: memoryview, position: int) -> None:
        if not 0 <= position <= len(data) - 4:
            raise Unreadable("the Arrow stream points outside of itself")
        self._data = data
        self._position = position
        (back,) = struct.unpack_from("<i", data, position)
        self._fields = position - back
        if not 0 <= self._fields <= len(data) - 4:
            raise Unreadable("the Arrow stream points outside of itself")
        (self._fields_bytes,) = struct.unpack_from("<H", data, self._fields)

    @classmethod
    def root(cls, data: memoryview) -> "_Table":
        (position,) = struct.unpack_from("<I", data, 0)
        return cls(data, position)

    def offset(self, field: int) -> int:
        """Where the field lies in the data; 0 when it is absent."""
        at = 4 + 2 * field
        if at + 2 > self._fields_bytes:
            return 0
        (offset,) = struct.unpack_from("<H", self._data, self._fields + at)
        return self._position + offset if offset else 0

    def scalar(self, field: int, form: str) -> int:
        at = self.offset(field)
        return int(struct.unpack_from(form, self._data, at)[0]) if at else 0

    def table(self, field: int) -> "_Table":
        return _Table(self._data, self._pointed(field))

    def pairs(self, field: int) -> list[tuple[int, int]]:
        """A vector of structs of two 64-bit integers."""
        start = self._pointed(field)
        (count,) = struct.unpack_from("<I", self._data, start)
        if count * 16 > len(self._data):
            raise Unreadable("the Arrow stream announces more buffers than it has room for")
        numbers = struct.unpack_from(f"<{2 * count}q", self._data, start + 4)
        return list(zip(numbers[::2], numbers[1::2], strict=True))

    def _pointed(self, field: int) -> int:
        at = self.offset(field)
        if not at:
            raise Unreadable("the Arrow stream lacks a part of its header")
        return at + int(struct.unpack_from("<I", self._data, at)[0])
