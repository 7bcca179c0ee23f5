"""A proxy between worker and warehouse that does what networks, balancers and full servers do."""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

HEAD_BYTES = 1 << 20
RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Request:
    """One request as it came: head and body are bytes as on the wire."""

    head: bytes
    body: bytes

    @property
    def inserts(self) -> bool:
        """True for whatever writes."""
        return b"INSERT" in self.head[:4000].upper() or self.body[:200].lstrip().upper().startswith(b"INSERT")

    def names(self, table: str) -> bool:
        """True when the statement is about this table."""
        name = table.encode()
        return name in self.head or name in self.body[:4000]


@dataclass(frozen=True)
class Fault:
    """What is done to a request.

    kind: slow, refuse (HTTP status), error (ClickHouse code), reset (before it is forwarded), half (of the body is
    forwarded), lost (done, but the answer never comes), cut (half of the answer comes), silent (accepted, no answer).
    """

    kind: str
    number: int = 0
    words: str = "injected"
    seconds: float = 0.0


def writes(request: Request) -> bool:
    """Every insert."""
    return request.inserts


def anything(_request: Request) -> bool:
    """Every request."""
    return True


@dataclass
class Proxy:
    """Listens on `port` and forwards to `target`; runs in a thread of its own."""

    target: int
    port: int = 0
    hits: int = 0
    _fault: Fault | None = None
    _where: Callable[[Request], bool] = anything
    _share: float = 1.0
    _chance: random.Random = field(default_factory=lambda: random.Random(1))
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _started: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> "Proxy":
        """Returns when it listens."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(10)
        return self

    def stop(self) -> None:
        """Ends the thread, with every connection that is still open."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._thread = None

    def inject(self, fault: Fault, where: Callable[[Request], bool] = writes, share: float = 1.0) -> None:
        """From now on, until `heal`."""
        self._fault, self._where, self._share, self.hits = fault, where, share, 0

    def heal(self) -> None:
        """Everything is forwarded again."""
        self._fault = None

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=HEAD_BYTES)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._end_conversations())
        self._loop.close()

    async def _end_conversations(self) -> None:
        mine = asyncio.all_tasks() - {asyncio.current_task()}
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await read_request(reader)) is not None:
                if not await self._answer(request, writer):
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may be used again."""
        fault = self._fault
        if fault is None or not self._where(request) or self._chance.random() >= self._share:
            writer.write(await self._forwarded(request.head + request.body))
            await writer.drain()
            return False
        self.hits += 1
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            writer.write(await self._forwarded(request.head + request.body))
        elif fault.kind == "refuse":
            writer.write(response(fault.number, fault.words.encode()))
        elif fault.kind == "error":
            words = f"Code: {fault.number}. DB::Exception: {fault.words}. ({fault.words.upper().replace(' ', '_')})"
            writer.write(response(500, words.encode(), f"X-ClickHouse-Exception-Code: {fault.number}\r\n"))
        elif fault.kind == "reset":
            reset(writer)
        elif fault.kind == "half":
            await self._forward_half(request)
            reset(writer)
        elif fault.kind == "lost":
            await self._forwarded(request.head + request.body)
            reset(writer)
        elif fault.kind == "cut":
            answer = await self._forwarded(request.head + request.body)
            writer.write(answer[: len(answer) - max(1, len(answer) // 4)])
        elif fault.kind == "silent":
            await asyncio.sleep(fault.seconds)
            reset(writer)
        with contextlib.suppress(OSError):
            await writer.drain()
        return False

    async def _forwarded(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target, limit=HEAD_BYTES)
        try:
            head, _, rest = request.partition(b"\r\n")
            writer.write(head + b"\r\nConnection: close\r\n" + rest)
            await writer.drain()
            return await reader.read(-1)
        finally:
            writer.close()

    async def _forward_half(self, request: Request) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", self.target)
        writer.write(request.head + request.body[: len(request.body) // 2])
        await writer.drain()
        reset(writer)


def reset(writer: asyncio.StreamWriter) -> None:
    """Breaks the connection off instead of closing it."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


def response(status: int, body: bytes, headers: str = "") -> bytes:
    """A whole answer."""
    head = f"HTTP/1.1 {status} Injected\r\nContent-Length: {len(body)}\r\n{headers}Connection: close\r\n\r\n"
    return head.encode() + body


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """A whole request; None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    body = b""
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        while True:
            size_line = await reader.readuntil(b"\r\n")
            chunk = await reader.readexactly(int(size_line.split(b";")[0], 16) + 2)
            body += size_line + chunk
            if size_line.strip() == b"0":
                return Request(head, body)
    body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
    return Request(head, body)
