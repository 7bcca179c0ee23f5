"""Writes to the directory without blocking: wishes in, what they did out, one request after the other."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from anyio import CapacityLimiter, to_thread
from clickhouse_connect.driver.client import Client
from fastapi import Depends, Request

from api.access import Writer, administrator, sender
from api.errors import TryLater
from warehouse.directory.changes import Decision
from warehouse.directory.entry import Wish
from warehouse.directory.ledger import StoredLedger, carry_out
from warehouse.errors import WarehouseUnavailable

WAITING_MAX = 64
"""Requests that may wait for their turn; more are refused with 503."""


class Directory(Protocol):
    """What the resources need of the directory to change it."""

    async def carry_out(
        self, wishes: Sequence[Wish], now: datetime, author: str, source: str
    ) -> Sequence[tuple[Wish, Decision]]:
        """What each wish did. Raises TryLater when nothing is known of them: sending them again does no harm."""


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
        """What each wish did. Raises TryLater when the warehouse is away or too many requests wait already."""
        if self._accepted > WAITING_MAX:
            raise TryLater(f"{self._accepted} changes are waiting already; repeat in a moment", code="busy")
        self._accepted += 1
        try:
            return await to_thread.run_sync(self._carry_out, wishes, now, author, source, limiter=self._limiter)
        except WarehouseUnavailable as failure:
            raise TryLater(
                "the warehouse does not answer now; repeat the request", code="warehouse_unavailable"
            ) from failure
        finally:
            self._accepted -= 1

    def _carry_out(
        self, wishes: Sequence[Wish], now: datetime, author: str, source: str
    ) -> Sequence[tuple[Wish, Decision]]:
        with self._lock:  # a request that was given up leaves its thread at work
            if self._client is None:
                self._client = self._connect()
            return carry_out(StoredLedger(self._client), wishes, now, author, source)


class ReadOnlyDirectory:
    """For an API that was started without a user who may write."""

    async def carry_out(
        self,
        wishes: Sequence[Wish],  # noqa: ARG002
        now: datetime,  # noqa: ARG002
        author: str,  # noqa: ARG002
        source: str,  # noqa: ARG002
    ) -> Sequence[tuple[Wish, Decision]]:
        """Always raises TryLater."""
        raise TryLater(
            "this API may not write to the warehouse; set TALLY_API_WRITER_PASSWORD_FILE and start it again",
            code="read_only",
        )


@dataclass(frozen=True, slots=True)
class WritingDesk:
    """Someone who may write, in front of the directory."""

    writer: Writer
    directory: Directory
    clock: Callable[[], datetime]

    async def carry_out(self, wishes: Sequence[Wish], source: str) -> Sequence[tuple[Wish, Decision]]:
        """What each wish did, now and in the name of the key."""
        return await self.directory.carry_out(wishes, self.clock(), self.writer.author, source)


def _at(request: Request, writer: Writer) -> WritingDesk:
    return WritingDesk(writer, request.app.state.directory, request.app.state.clock)


def administrators_desk(request: Request, writer: Annotated[Writer, Depends(administrator)]) -> WritingDesk:
    """The desk of who may change the directory."""
    return _at(request, writer)


def senders_desk(request: Request, writer: Annotated[Writer, Depends(sender)]) -> WritingDesk:
    """The desk of who may tell what happened."""
    return _at(request, writer)


AtAdministratorsDesk = Annotated[WritingDesk, Depends(administrators_desk)]
AtSendersDesk = Annotated[WritingDesk, Depends(senders_desk)]
