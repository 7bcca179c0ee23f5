"""Writes to the directory without blocking: wishes in, what they did out, one request after the other."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from anyio import CapacityLimiter, to_thread
from clickhouse_connect.driver.client import Client

from api.errors import Conflict, InvalidParameter, ReadOnly, TryLater
from warehouse.directory.changes import Decision
from warehouse.directory.entry import Wish
from warehouse.directory.ledger import StoredLedger, carry_out
from warehouse.directory.registration import OrganizationWish, Registered, registered
from warehouse.errors import CalendarInUse, InvalidOrganization, WarehouseUnavailable

T = TypeVar("T")

WAITING_MAX = 64
"""Requests that may wait for their turn; more are refused with 503."""


class Directory(Protocol):
    """What the resources need of the directory to change it."""

    async def carry_out(
        self, wishes: Sequence[Wish], now: datetime, author: str, source: str
    ) -> Sequence[tuple[Wish, Decision]]:
        """What each wish did. Raises TryLater when nothing is known of them: sending them again does no harm."""

    async def register(self, wish: OrganizationWish, now: datetime, author: str, source: str) -> Registered:
        """Registers an organisation and says what it is called. Raises InvalidParameter, Conflict when its usage is
        counted in another calendar, and TryLater as above."""


class ThreadedDirectory:
    """The directory in the warehouse; connects when first needed. One request at a time reads and then writes."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._client: Client | None = None
        self._limiter = CapacityLimiter(1)
        self._accepted = 0
        self._lock = threading.Lock()

    async def carry_out(
        self, wishes: Sequence[Wish], now: datetime, author: str, source: str
    ) -> Sequence[tuple[Wish, Decision]]:
        """As the protocol says; TryLater too when many requests wait already."""
        return await self._run(lambda client: carry_out(StoredLedger(client), wishes, now, author, source))

    async def register(self, wish: OrganizationWish, now: datetime, author: str, source: str) -> Registered:
        """As the protocol says."""
        try:
            return await self._run(lambda client: registered(client, wish, now, author, source))
        except InvalidOrganization as problem:
            raise InvalidParameter(str(problem)) from problem
        except CalendarInUse as problem:
            raise Conflict(str(problem), code="calendar_in_use") from problem

    async def _run(self, action: Callable[[Client], T]) -> T:
        if self._accepted > WAITING_MAX:
            raise TryLater(f"{self._accepted} changes are waiting already; repeat in a moment", code="busy")

        def attempt() -> T:
            with self._lock:  # a request that was given up leaves its thread at work
                if self._client is None:
                    self._client = self._connect()
                return action(self._client)

        self._accepted += 1
        try:
            return await to_thread.run_sync(attempt, limiter=self._limiter)
        except WarehouseUnavailable as failure:
            raise TryLater(
                "the warehouse does not answer now; repeat the request", code="warehouse_unavailable"
            ) from failure
        finally:
            self._accepted -= 1


class ReadOnlyDirectory:
    """For an API that was started without a user who may write."""

    async def carry_out(
        self,
        wishes: Sequence[Wish],  # noqa: ARG002
        now: datetime,  # noqa: ARG002
        author: str,  # noqa: ARG002
        source: str,  # noqa: ARG002
    ) -> Sequence[tuple[Wish, Decision]]:
        """Always raises ReadOnly."""
        raise ReadOnly

    async def register(
        self,
        wish: OrganizationWish,  # noqa: ARG002
        now: datetime,  # noqa: ARG002
        author: str,  # noqa: ARG002
        source: str,  # noqa: ARG002
    ) -> Registered:
        """Always raises ReadOnly."""
        raise ReadOnly
