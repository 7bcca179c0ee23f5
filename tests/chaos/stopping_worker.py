"""A worker whose process stops in the middle of a write, for tests: `python -m tests.chaos.stopping_worker`.

The file `write.stop` in the run folder names a table: the first worker that is about to write to it takes the file away
and stops itself (SIGSTOP), with the rows of the write in memory. When it is woken (SIGCONT) it goes on with that write,
whatever else it learns meanwhile, and leaves the file `write.thawed`.
"""

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import signal
import time
from collections.abc import Callable

import polars as pl

from stream_jobs.worker import app
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink

ORDER, THAWED = "write.stop", "write.thawed"
RUN = WorkerSettings().run_folder
TAKEN = f"{WorkerSettings().name}.stopping"
WRITE_SECONDS = 120.0
end = os._exit


def taken(table: str) -> bool:
    """Whether this process is the one that stops here."""
    order = RUN / ORDER
    if not order.exists():
        return False
    try:
        if order.read_text() != table:
            return False
        order.rename(RUN / TAKEN)
    except FileNotFoundError:
        return False
    return True


def end_after_the_write(status: int) -> None:
    """What the process learns when it wakes must not end it before the write is out."""
    deadline = time.monotonic() + WRITE_SECONDS
    while (RUN / TAKEN).exists() and not (RUN / THAWED).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    end(status)


class StoppingSink(Sink):
    """Stops the process with a write on its way."""

    def insert(self, table: str, frame: pl.DataFrame, check: Callable[[], None] = lambda: None) -> None:
        """An insert; perhaps a late one."""
        if not taken(table):
            super().insert(table, frame, check)
            return
        os.kill(os.getpid(), signal.SIGSTOP)
        super().insert(table, frame, check)
        (RUN / THAWED).touch()


if __name__ == "__main__":
    app.Sink = StoppingSink  # type: ignore[attr-defined]
    os._exit = end_after_the_write  # type: ignore[assignment]
    app.run()
