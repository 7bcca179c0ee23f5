"""The pipe that a reading statement's answer comes through: written by the engine's threads, read by the event loop."""

import asyncio
import contextlib
import fcntl
import os

_PIPE_BYTES = 1 << 20


class ResultPipe:
    """A pipe of 1 MiB: what the client does not read yet, the engine waits to write. That bounds the memory.

    The engine opens `path` itself (INTO OUTFILE), so every output format arrives as a server would send it, headers
    and totals included, and not as blocks of a driver. `close_writer` when the statement is done.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        with contextlib.suppress(PermissionError):  # the user's share of pipe memory is used up: smaller is right too
            fcntl.fcntl(self._reader, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self.path = f"/dev/fd/{self._writer}"

    def close_writer(self) -> None:
        """Closes our own copy of the writing end: the reader sees the end once the engine has closed its copy."""
        if self._writer >= 0:
            os.close(self._writer)
            self._writer = -1

    def close_reader(self) -> None:
        """Closes the reading end: a statement that still writes is freed from waiting."""
        if self._reader >= 0:
            os.close(self._reader)
            self._reader = -1

    def close(self) -> None:
        """Closes both ends."""
        self.close_writer()
        self.close_reader()

    async def read(self) -> bytes:
        """The next bytes, at most 1 MiB; empty at the end."""
        while True:
            try:
                return os.read(self._reader, _PIPE_BYTES)
            except BlockingIOError:
                await self._readable()

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()

        def announce() -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(self._reader, announce)
        try:
            await ready
        finally:
            loop.remove_reader(self._reader)
