"""Explains events without blocking: an event's id in, how it got its money and credits out."""

import threading
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from clickhouse_connect.driver.client import Client

from api.errors import InvalidParameter, TryLater
from stream_jobs.explanation.explainer import Explainer
from stream_jobs.explanation.explanation import Explanation
from stream_jobs.pricing.errors import RevisionMissing
from warehouse.errors import WarehouseUnavailable

WAITING_MAX = 16


class Explaining(Protocol):
    """What the resource needs. Raises TryLater and InvalidParameter."""

    async def explain(
        self, event_id: UUID | None, source_id: str, organization: str | None, under: int | None
    ) -> list[Explanation]:
        """As `Explainer.explain`."""


class ThreadedExplaining:
    """The warehouse's events; connects when first asked. One question at a time: each may compile a price list."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._explainer: Explainer | None = None
        self._lock = threading.Lock()
        self._limiter = CapacityLimiter(1)
        self._accepted = 0

    async def explain(
        self, event_id: UUID | None, source_id: str, organization: str | None, under: int | None
    ) -> list[Explanation]:
        """As the protocol says."""
        if self._accepted > WAITING_MAX:
            raise TryLater(f"{self._accepted} explanations are asked for already; repeat in a moment", code="busy")
        self._accepted += 1
        try:
            return await to_thread.run_sync(
                lambda: self._connected().explain(event_id, source_id, organization, under), limiter=self._limiter
            )
        except RevisionMissing as problem:
            raise InvalidParameter(str(problem)) from problem
        except WarehouseUnavailable as failure:
            message = "the warehouse does not answer now; repeat the request"
            raise TryLater(message, code="warehouse_unavailable") from failure
        finally:
            self._accepted -= 1

    def _connected(self) -> Explainer:
        with self._lock:
            if self._explainer is None:
                self._explainer = Explainer(self._connect())
            return self._explainer


class Unconnected:
    """For an application that was made without a warehouse to read prices from."""

    async def explain(
        self,
        event_id: UUID | None,  # noqa: ARG002
        source_id: str,  # noqa: ARG002
        organization: str | None,  # noqa: ARG002
        under: int | None,  # noqa: ARG002
    ) -> list[Explanation]:
        """Refuses."""
        raise TryLater("this API was started without prices to explain by")
