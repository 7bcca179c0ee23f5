"""Compression of bodies: every frame of a request is decoded, answers are encoded piece by piece."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import lz4.frame
import zstandard

from warehouse.embedded.errors import ClickHouseError, Fault, refused

_PIECE_BYTES = 1 << 20
_GZIP_WINDOW_BITS = 31


class FrameDecoder(Protocol):
    """Decodes one frame; what follows the frame is left in `unused_data`."""

    @property
    def eof(self) -> bool:
        """True once the frame has ended."""
        ...

    @property
    def unused_data(self) -> bytes | None:
        """Bytes behind the end of the frame."""
        ...

    def decompress(self, data: bytes, /) -> bytes:
        """The plain bytes of these compressed ones."""
        ...


_DECODERS: dict[str, Callable[[], FrameDecoder]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    "gzip": lambda: zlib.decompressobj(_GZIP_WINDOW_BITS),
    "x-gzip": lambda: zlib.decompressobj(_GZIP_WINDOW_BITS),
    "deflate": zlib.decompressobj,
}


def decoded(encoding: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The plain bytes of a request body: all its frames, because clients send one per block of rows.

    Raises 271 for damaged data and for a last frame that is cut short, 89 for an unknown encoding.
    """
    if encoding in ("", "identity"):
        return iter(chunks)
    if encoding not in _DECODERS:
        raise refused(
            Fault.UNKNOWN_COMPRESSION_METHOD,
            f"Content-Encoding {encoding!r} is not known here; use one of {', '.join(_DECODERS)} or none.",
        )
    return _decoded(encoding, chunks)


def _decoded(encoding: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    frame: FrameDecoder | None = None
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE_BYTES):
            rest = chunk[start : start + _PIECE_BYTES]
            while rest:
                frame = frame or _DECODERS[encoding]()
                try:
                    plain = frame.decompress(rest)
                except (RuntimeError, zstandard.ZstdError, zlib.error) as failure:
                    raise _damaged(encoding, str(failure)) from failure
                if plain:
                    yield plain
                if not frame.eof:
                    break
                rest, frame = frame.unused_data or b"", None
    if frame is not None:
        raise _damaged(encoding, "the last frame is cut short")


def _damaged(encoding: str, why: str) -> ClickHouseError:
    return refused(Fault.CANNOT_DECOMPRESS, f"The request body is not whole {encoding} data: {why}.")


class Encoder(Protocol):
    """Encodes an answer; `compress` may hold bytes back until `flush`."""

    def compress(self, data: bytes, /) -> bytes:
        """Compressed bytes that are ready."""
        ...

    def flush(self) -> bytes:
        """The end of the stream."""
        ...


class _Lz4Encoder:
    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor(auto_flush=True)
        self._header: bytes = self._frame.begin()

    def compress(self, data: bytes, /) -> bytes:
        header, self._header = self._header, b""
        return header + bytes(self._frame.compress(data))

    def flush(self) -> bytes:
        return self._header + bytes(self._frame.flush())


_ENCODERS: dict[str, Callable[[], Encoder]] = {
    "lz4": _Lz4Encoder,
    "zstd": lambda: zstandard.ZstdCompressor(level=1).compressobj(),
    "gzip": lambda: zlib.compressobj(1, wbits=_GZIP_WINDOW_BITS),
    "deflate": lambda: zlib.compressobj(1),
}


def chosen_encoding(accepted: str) -> str | None:
    """The cheapest encoding that an Accept-Encoding header allows, or None."""
    wanted = set()
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        if quality.replace(" ", "") not in ("q=0", "q=0.0"):
            wanted.add(name.strip())
    return next((name for name in _ENCODERS if name in wanted), None)


def encoder(encoding: str) -> Encoder:
    """A new encoder for one of the names that `chosen_encoding` returns."""
    return _ENCODERS[encoding]()
