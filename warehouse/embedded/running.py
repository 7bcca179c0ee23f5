"""Statements that are running: found by their query id, cancelled when their client goes away."""

import asyncio
from contextlib import suppress

from warehouse.embedded.engine import Engine
from warehouse.embedded.errors import ClickHouseError, Fault, refused
from warehouse.embedded.execution import QUERY_ID_EXPRESSION, Told
from warehouse.embedded.lanes import Ticket
from warehouse.literals import quoted

_AGAIN_SECONDS = 0.2


class RunningQueries:
    """The query ids in use. Belongs to the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ids: set[str] = set()
        self._none = asyncio.Event()
        self._none.set()

    def enter(self, query_id: str) -> None:
        """Holds an id while its statement runs, until `leave`. Raises 216 when it is in use."""
        if query_id in self._ids:
            raise refused(
                Fault.QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, f"Query with id = {query_id} is already running."
            )
        self._ids.add(query_id)
        self._none.clear()

    def leave(self, query_id: str) -> None:
        """Frees an id."""
        self._ids.discard(query_id)
        if not self._ids:
            self._none.set()

    async def cancel(self, query_id: str, ticket: Ticket, told: Told) -> None:
        """Ends a statement whose client has gone, and returns when it is gone.

        One that waits for a thread is taken out of the line, one that reads is killed (asked again and again, because
        the engine may not have begun it when it is asked first), one that writes comes to its end.
        """
        ticket.withdraw()
        while not ticket.outcome.done():
            if told.reads:
                with suppress(ClickHouseError):  # asked again below
                    await asyncio.to_thread(self._engine.kill, f"{QUERY_ID_EXPRESSION} = {quoted(query_id)}")
            await asyncio.wait([ticket.outcome], timeout=_AGAIN_SECONDS)
        if not ticket.outcome.cancelled():
            ticket.outcome.exception()  # nobody else may be left to take notice of it

    async def end_all(self, seconds: float) -> bool:
        """Cancels whatever runs, for the end of the process; False when something is left after these seconds."""
        await asyncio.to_thread(self._engine.kill, "1")
        try:
            await asyncio.wait_for(self._none.wait(), seconds)
        except TimeoutError:
            return False
        return True
