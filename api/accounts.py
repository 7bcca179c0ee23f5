"""Writes of the accounts (exchange rates, cost reports, closed periods) without blocking, one after the other."""

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from anyio import CapacityLimiter, to_thread
from clickhouse_connect.driver.client import Client

from api.errors import ReadOnly, TryLater
from warehouse.errors import WarehouseUnavailable

T = TypeVar("T")


class Accounts(Protocol):
    """Where accounts are kept."""

    async def write(self, action: Callable[[Client], T]) -> T:
        """What the action returns. Raises TryLater when nothing is known of it: the same again does no harm."""


class ThreadedAccounts:
    """The accounts in the warehouse; connects when first needed. One request at a time reads and then writes."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._client: Client | None = None
        self._limiter = CapacityLimiter(1)
        self._lock = threading.Lock()

    async def write(self, action: Callable[[Client], T]) -> T:
        """As the protocol says."""

        def attempt() -> T:
            with self._lock:  # a request that was given up leaves its thread at work
                if self._client is None:
                    self._client = self._connect()
                return action(self._client)

        try:
            return await to_thread.run_sync(attempt, limiter=self._limiter)
        except WarehouseUnavailable as failure:
            message = "the warehouse does not answer now; repeat the request"
            raise TryLater(message, code="warehouse_unavailable") from failure


class ReadOnlyAccounts:
    """For an API that was started without a user who may write."""

    async def write(self, action: Callable[[Client], T]) -> T:  # noqa: ARG002
        """Always raises ReadOnly."""
        raise ReadOnly
