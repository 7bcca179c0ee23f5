"""Worker threads: a lane per profile, so that dashboards never hold up inserts; a bounded waiting line."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from warehouse.embedded.engine import Answer
from warehouse.embedded.errors import Fault, refused
from warehouse.embedded.users import Profile


@dataclass(frozen=True, slots=True)
class Ticket:
    """A job that was admitted. `outcome` is done when its thread is (never before, so it is not to be cancelled)."""

    outcome: asyncio.Future[Answer]
    _thread_outcome: Future[Answer]

    def withdraw(self) -> None:
        """Takes the job out of the line; without effect once it runs."""
        self._thread_outcome.cancel()


class Lane:
    """At most `threads` jobs at once and `waiting_max` in line; one more is refused with 202."""

    def __init__(self, name: str, threads: int, waiting_max: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._max = threads + waiting_max
        self._jobs = 0

    def submit(self, job: Callable[[], Answer]) -> Ticket:
        """Starts the job, now or when a thread is free. Belongs to the event loop."""
        if self._jobs >= self._max:
            raise refused(Fault.TOO_MANY_SIMULTANEOUS_QUERIES, f"Too many simultaneous queries. Maximum: {self._max}.")
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Answer] = loop.create_future()
        self._jobs += 1

        def finish(done: Future[Answer]) -> None:
            self._jobs -= 1
            if done.cancelled():
                outcome.cancel()
            elif (failure := done.exception()) is not None:
                outcome.set_exception(failure)
            else:
                outcome.set_result(done.result())

        running = self._pool.submit(job)
        running.add_done_callback(lambda done: loop.call_soon_threadsafe(finish, done))
        return Ticket(outcome, running)

    def close(self) -> None:
        """Starts nothing more; does not wait."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Lanes:
    """One lane for writers, one for readers."""

    def __init__(self, threads: int, waiting_max: int) -> None:
        self._lanes = {name: Lane(name, threads, waiting_max) for name in ("writer", "reader")}

    def of(self, profile: Profile) -> Lane:
        """The lane of a profile."""
        return self._lanes[profile]

    def close(self) -> None:
        """Closes both."""
        for lane in self._lanes.values():
            lane.close()
