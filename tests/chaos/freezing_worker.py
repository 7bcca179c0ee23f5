"""A stream worker that hangs on demand, for tests: `python -m tests.chaos.freezing_worker`.

A file `<name>.freeze` in the run folder says how: "loop" (the event loop waits for a lock), "agent" (the agent waits
for what never comes, the loop goes on) or "thread" (a thread that talks to the warehouse waits for a lock). The file
is removed when it is obeyed, so that the successor does not hang.
"""

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

from stream_jobs.worker import app
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import WorkerState
from stream_jobs.worker.take import Envelope, Taken, TakeProcessor

ORDER = WorkerSettings().run_folder / f"{WorkerSettings().name}.freeze"
NEVER = threading.Lock()


def obeyed(kind: str) -> bool:
    """Whether this kind of hanging is asked for; the order is taken away then."""
    if not ORDER.exists() or ORDER.read_text().strip() != kind:
        return False
    ORDER.unlink()
    return True


class FreezingProcessor(TakeProcessor):
    """Hangs in the loop or in the agent."""

    async def process(self, state: WorkerState, envelopes: Sequence[Envelope]) -> Taken:
        """A take, unless it is to hang."""
        if obeyed("loop"):
            NEVER.acquire()
        if obeyed("agent"):
            await asyncio.get_running_loop().create_future()
        return await super().process(state, envelopes)


class FreezingSink(Sink):
    """Hangs in a thread, with a statement in flight."""

    def _insist(self, action: Any, *, writes: bool = False, gives_up: bool = False) -> Any:
        def late() -> Any:
            if obeyed("thread"):
                NEVER.acquire()
            return action()

        return super()._insist(late, writes=writes, gives_up=gives_up)


if __name__ == "__main__":
    NEVER.acquire()
    app.TakeProcessor = FreezingProcessor  # type: ignore[attr-defined]
    app.Sink = FreezingSink  # type: ignore[attr-defined]
    app.run()
