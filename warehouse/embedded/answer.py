"""Answers over HTTP: the engine's pipe in, a whole or a chunked response out, errors in ClickHouse's framing."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from starlette.types import Send

from warehouse.embedded.compression import Encoder, chosen_encoding, encoder
from warehouse.embedded.engine import Answer, QueryStats
from warehouse.embedded.errors import ClickHouseError
from warehouse.embedded.execution import Told
from warehouse.embedded.pipe import ResultPipe

WHOLE_ANSWER_BYTES = 1 << 20  # up to here an answer is sent whole, with its final summary and its true status
_MEMORY_SPOOL_BYTES = 16 << 20
_COMPRESS_FROM_BYTES = 4096
_INLINE_COMPRESS_BYTES = 128 << 10  # more than this is compressed in a thread
_READ_BACK_BYTES = 1 << 20

_CONTENT_TYPES = (
    ("JSON", "application/json; charset=UTF-8"),
    ("TabSeparated", "text/tab-separated-values; charset=UTF-8"),
    ("TSV", "text/tab-separated-values; charset=UTF-8"),
    ("CSV", "text/csv; charset=UTF-8"),
    ("Pretty", "text/plain; charset=UTF-8"),
    ("Vertical", "text/plain; charset=UTF-8"),
    ("XML", "application/xml; charset=UTF-8"),
)


class AnswerBroken(Exception):
    """The statement failed after the response had begun: the connection must not look properly ended."""

    def __init__(self, code: int) -> None:
        super().__init__(f"failed with code {code} after the answer had begun")
        self.code = code


def content_type(output_format: str) -> str:
    """The Content-Type a ClickHouse server gives a format."""
    return next((kind for start, kind in _CONTENT_TYPES if output_format.startswith(start)), "application/octet-stream")


class Response:
    """One response being sent. `headers` are those of every answer; the methods add what only they know."""

    def __init__(self, send: Send, headers: Mapping[str, str], accepted_encodings: str) -> None:
        self._send = send
        self._headers = dict(headers)
        self._encoding = chosen_encoding(accepted_encodings)
        self.started = False

    async def whole(self, status: int, body: bytes) -> None:
        """Sends a body that is there already."""
        if self._encoding and len(body) >= _COMPRESS_FROM_BYTES:
            body = await _compressed(encoder(self._encoding), body, last=True)
            self._headers["Content-Encoding"] = self._encoding
        await self._start(status, {"Content-Length": str(len(body))})
        await self._send({"type": "http.response.body", "body": body})

    async def refuse(self, error: ClickHouseError, version: str) -> None:
        """Sends an error as ClickHouse does."""
        self._encoding = None
        self._headers["X-ClickHouse-Exception-Code"] = str(error.code)
        self._headers["Content-Type"] = "text/plain; charset=UTF-8"
        await self.whole(error.status, error.body(version))

    async def kept(self, body: bytes, stats: QueryStats, output_format: str) -> int:
        """Sends an answer that is there already and returns its bytes."""
        self._describe(output_format)
        self._headers["X-ClickHouse-Summary"] = stats.summary()
        await self.whole(200, body)
        return len(body)

    async def statement(
        self, pipe: ResultPipe, outcome: asyncio.Future[Answer], told: Told, wait: Path | None, version: str
    ) -> int:
        """Sends what a statement answers and returns its bytes; `wait` is a directory to keep long answers in.

        Raises ClickHouseError while nothing has been sent, AnswerBroken afterwards.
        """
        start = await _read_up_to(pipe, WHOLE_ANSWER_BYTES)
        if len(start) < WHOLE_ANSWER_BYTES:
            answer = await outcome
            return await self.kept(start or answer.body, answer.stats, told.output_format)
        self._describe(told.output_format)
        if wait is not None:
            return await self._after_the_end(start, pipe, outcome, wait)
        return await self._while_it_runs(start, pipe, outcome, version)

    async def _after_the_end(
        self, start: bytes, pipe: ResultPipe, outcome: asyncio.Future[Answer], directory: Path
    ) -> int:
        with tempfile.SpooledTemporaryFile(_MEMORY_SPOOL_BYTES, dir=str(directory)) as kept:
            kept.write(start)
            while chunk := await pipe.read():
                await asyncio.to_thread(kept.write, chunk)
            answer = await outcome
            self._headers["X-ClickHouse-Summary"] = answer.stats.summary()
            size = kept.tell()
            kept.seek(0)
            coder = await self._start_chunked()
            while piece := await asyncio.to_thread(kept.read, _READ_BACK_BYTES):
                await self._send_piece(coder, piece)
            await self._end(coder)
            return size

    async def _while_it_runs(
        self, start: bytes, pipe: ResultPipe, outcome: asyncio.Future[Answer], version: str
    ) -> int:
        tag = secrets.token_hex(8)
        self._headers["X-ClickHouse-Exception-Tag"] = tag
        size = len(start)
        coder = await self._start_chunked()
        await self._send_piece(coder, start)
        del start
        while chunk := await pipe.read():
            size += len(chunk)
            await self._send_piece(coder, chunk)
        try:
            await outcome
        except ClickHouseError as failure:
            await self._send_piece(coder, exception_block(failure, tag, version), last=True)
            raise AnswerBroken(failure.code) from failure
        await self._end(coder)
        return size

    def _describe(self, output_format: str) -> None:
        if output_format:
            self._headers["X-ClickHouse-Format"] = output_format
            self._headers["Content-Type"] = content_type(output_format)

    async def _start(self, status: int, more: Mapping[str, str]) -> None:
        self.started = True
        headers = {**self._headers, **more}
        encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def _start_chunked(self) -> Encoder | None:
        if self._encoding is None:
            await self._start(200, {})
            return None
        await self._start(200, {"Content-Encoding": self._encoding})
        return encoder(self._encoding)

    async def _send_piece(self, coder: Encoder | None, piece: bytes, *, last: bool = False) -> None:
        if coder is not None:
            piece = await _compressed(coder, piece, last=last)
        if piece:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def _end(self, coder: Encoder | None) -> None:
        await self._send({"type": "http.response.body", "body": coder.flush() if coder else b""})


def exception_block(error: ClickHouseError, tag: str, version: str) -> bytes:
    """An error behind the rows already sent, framed as ClickHouse 25.11 and later do it."""
    said = error.body(version)
    head = f"\r\n__exception__\r\n{tag}\r\n".encode()
    return head + said + f"{len(said)} {tag}\r\n__exception__\r\n".encode()


async def _read_up_to(pipe: ResultPipe, size: int) -> bytes:
    chunks: list[bytes] = []
    have = 0
    while have < size and (chunk := await pipe.read()):
        chunks.append(chunk)
        have += len(chunk)
    return b"".join(chunks)


async def _compressed(coder: Encoder, data: bytes, *, last: bool) -> bytes:
    def work() -> bytes:
        packed = coder.compress(data)
        return packed + coder.flush() if last else packed

    return work() if len(data) < _INLINE_COMPRESS_BYTES else await asyncio.to_thread(work)
