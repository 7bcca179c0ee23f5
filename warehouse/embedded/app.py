"""The ASGI application: paths in, the front or a health answer out; what must happen at start and at the end."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from warehouse.embedded.config import write_engine_config
from warehouse.embedded.engine import Engine
from warehouse.embedded.front import Front
from warehouse.embedded.query_log import QueryLog
from warehouse.embedded.settings import EmbeddedSettings
from warehouse.embedded.users import UserDirectory

log = logging.getLogger(__name__)

_EXPIRY_SECONDS = 1.0
_HEALTH_PATHS = ("/ping", "/replicas_status")
_LAST_STATEMENTS_SECONDS = 2.0


class EmbeddedWarehouse:
    """Opens the engine and serves it. Raises UsersFileInvalid, or ClickHouseError when the engine does not open."""

    def __init__(self, settings: EmbeddedSettings) -> None:
        users = UserDirectory(settings.users_path)
        self._engine = Engine(settings.data_dir, write_engine_config(settings))
        self._log = QueryLog(settings.query_log_path, settings.query_log_mb)
        self._front = Front(self._engine, users, settings, self._log)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or the life of the process."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["path"] == "/":
            await self._front(scope, receive, send)
        elif scope["path"] in _HEALTH_PATHS:
            await _say(send, 200, "Ok.\n")
        else:
            await _say(send, 404, f"There is no handle {scope['path']}\n\nUse / or /ping for health checks.\n")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        expiry = asyncio.create_task(_every(_EXPIRY_SECONDS, self._expire_sessions))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        expiry.cancel()
        await self._end()
        await send({"type": "lifespan.shutdown.complete"})

    async def _expire_sessions(self) -> None:
        for connection in self._front.sessions.expire(time.monotonic()):
            await asyncio.to_thread(connection.close)

    async def _end(self) -> None:
        """Acknowledged inserts are on disk; statements without an answer are cancelled."""
        self._front.lanes.close()
        all_ended = await self._front.running.end_all(_LAST_STATEMENTS_SECONDS)
        for connection in self._front.sessions.expire(float("inf")):
            connection.close()
        self._log.close()
        if all_ended:
            self._engine.close()


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        await work()


async def _say(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=UTF-8"), (b"content-length", str(len(text.encode())).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
