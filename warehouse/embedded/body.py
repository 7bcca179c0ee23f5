"""A request's body: what has arrived is kept, the rest is pulled by the thread that needs it, so memory is bounded."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from starlette.types import Message, Receive

PREFETCH_BYTES = 32 << 20
_PULL_BYTES = 4 << 20


class ClientGone(Exception):
    """The client closed the connection before its request was complete: there is nobody to answer."""


class Body:
    """Reads ASGI messages. `head` is what `prefetch` has read, at most about 32 MiB."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self.head: list[bytes] = []
        self._completed = asyncio.Event()

    @property
    def complete(self) -> bool:
        """True when nothing of the body is to come."""
        return self._completed.is_set()

    async def prefetch(self) -> None:
        """Reads the body, or its first 32 MiB. Raises ClientGone."""
        self.head = await self._read(PREFETCH_BYTES)

    async def _read(self, limit_bytes: int) -> list[bytes]:
        chunks: list[bytes] = []
        size = 0
        while not self.complete and size < limit_bytes:
            message: Message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk: bytes = message.get("body", b"")
            if chunk:
                chunks.append(chunk)
                size += len(chunk)
            if not message.get("more_body", False):
                self._completed.set()
        return chunks

    async def client_gone(self) -> None:
        """Returns when the client has closed the connection after a complete request."""
        await self._completed.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def stream(self) -> AsyncIterator[bytes]:
        """The body piece by piece, for a reader in the event loop. Raises ClientGone."""
        while not self.complete:
            for chunk in await self._read(_PULL_BYTES):
                yield chunk

    def chunks(self) -> Iterator[bytes]:
        """The body from its beginning, in a worker thread: reads on while the engine inserts. Raises ClientGone."""
        head, self.head = self.head, []
        yield from head
        head.clear()
        while not self.complete:
            yield from asyncio.run_coroutine_threadsafe(self._read(_PULL_BYTES), self._loop).result()
