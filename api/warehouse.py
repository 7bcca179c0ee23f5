"""Asks the warehouse without blocking: typed questions in, typed answers out, a bounded number at once."""

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from anyio import CapacityLimiter, to_thread
from clickhouse_connect.driver.client import Client

from api.errors import TryLater
from warehouse.errors import WarehouseUnavailable
from warehouse.queries.query import Query, ask

Answer = TypeVar("Answer")


class Warehouse(Protocol):
    """What the resources need of the warehouse."""

    async def ask(self, query: Query[Answer]) -> Answer:
        """The answer. Raises TryLater when there is none now."""


class ThreadedWarehouse:
    """The warehouse over HTTP; connects when first asked, so that the API starts without it."""

    def __init__(self, connect: Callable[[], Client], threads: int, waiting_max: int) -> None:
        self._connect = connect
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._limiter = CapacityLimiter(threads)
        self._accepted_max = threads + waiting_max
        self._accepted = 0

    async def ask(self, query: Query[Answer]) -> Answer:
        """The answer of the warehouse. Raises TryLater when it is away or too many questions wait already."""
        if self._accepted >= self._accepted_max:
            raise TryLater(f"{self._accepted} questions are waiting already; repeat in a moment", code="busy")
        self._accepted += 1
        try:
            return await to_thread.run_sync(self._ask, query, limiter=self._limiter)
        except WarehouseUnavailable as failure:
            raise TryLater(
                "the warehouse does not answer now; repeat the request", code="warehouse_unavailable"
            ) from failure
        finally:
            self._accepted -= 1

    def _ask(self, query: Query[Answer]) -> Answer:
        return ask(self._connected(), query)

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client
