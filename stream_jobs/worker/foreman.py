"""Does slices of jobs beside the stream: raw events while takes go on, rollup rows between them (rule E20)."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from stream_jobs.rollups.repair import Slice
from stream_jobs.worker import statements
from stream_jobs.worker.flush import Flusher
from stream_jobs.worker.jobs import FAILURES, Jobs, Work
from stream_jobs.worker.repair import Repairs, Request
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import WorkerState

REST_SHARE = 3.0
"""How much longer than it worked a job rests while something waits in the log: takes have the rest of the time."""
LONGEST_REST_SECONDS = 10.0


@dataclass(slots=True)
class Foreman:
    """owning: held by whoever changes the state. now: group generation and state."""

    settings: WorkerSettings
    sink: Sink
    jobs: Jobs
    repairs: Repairs
    flusher: Flusher
    owning: asyncio.Lock
    now: Callable[[], tuple[int, WorkerState]]
    leave: Callable[[str, BaseException], None]
    _working: asyncio.Task[bool] | None = field(default=None, init=False)
    _waiting: bool = field(default=False, init=False)

    def look(self, generation: int, waiting: int) -> None:
        """Begins the next slice in the background when there is one and none is being done.

        waiting: envelopes in the log; while there are any, jobs leave them most of the time.
        """
        self._waiting = waiting > 0
        if self.jobs.due() and (self._working is None or self._working.done()):
            self._working = asyncio.create_task(self.work(generation))
            self._working.add_done_callback(self._ended)

    async def work(self, generation: int) -> bool:
        """Does one slice to its end; false when there is none."""
        _, state = self.now()
        applied = {number: partition.applied for number, partition in state.partitions.items()}
        work = await asyncio.to_thread(self.jobs.next, applied)
        if work is None:
            return False
        slice_ = await asyncio.to_thread(self.repairs.slice_of, work.request, -1)
        try:
            await self._done(generation, work, slice_)
        except FAILURES as refused:
            await asyncio.to_thread(self.repairs.give_up, work.request, slice_, str(refused))
            self.jobs.metrics.worked("failed")
        return True

    async def _done(self, generation: int, work: Work, slice_: Slice) -> None:
        request = work.request
        if work.job is not None and work.job.kind == "erase":
            async with self.owning:
                await asyncio.to_thread(self.jobs.learn)
        events = await asyncio.to_thread(self.jobs.rewrite, work, self._rest)
        slice_ = await asyncio.to_thread(self.repairs.begun_as, request, slice_)
        spans = await asyncio.to_thread(self.repairs.spans, slice_)
        if work.job is not None and work.job.kind == "replay":
            await self._replayed(generation, request, slice_, spans)
            return
        for since, until in spans:
            began = time.monotonic()
            async with self.owning:
                if (state := await self._ours(generation, request)) is None:
                    return
                slice_ = replace(slice_, cut=await self._cut(state, request))
                await asyncio.to_thread(self.repairs.recompute, slice_, since, until)
                if request.src_partition in state.partitions:
                    await asyncio.to_thread(self.repairs.reload, state, request, since, until)
                if until == spans[-1][1]:  # in the same halt: each costs the stream a flush
                    await asyncio.to_thread(self.repairs.finish, request, slice_, state.pending, events)
                    self.jobs.metrics.worked("done", events)
            await asyncio.sleep(self._rest_seconds(time.monotonic() - began))

    async def _replayed(self, generation: int, request: Request, slice_: Slice, spans: list[tuple[int, int]]) -> None:
        """Builds the day beside what is in use, then changes the two in one moment. Its count: rows that differed."""
        built_at = await self._cut(self.now()[1], request)
        for since, until in spans:
            began = time.monotonic()
            await asyncio.to_thread(self.repairs.build_beside, replace(slice_, cut=built_at), since, until)
            await asyncio.sleep(self._rest_seconds(time.monotonic() - began))
        began = time.monotonic()
        async with self.owning:
            if (state := await self._ours(generation, request)) is None:
                return
            slice_ = replace(slice_, cut=await self._cut(state, request))
            differed = await asyncio.to_thread(self.repairs.switch, slice_, built_at)
            if request.src_partition in state.partitions:
                await asyncio.to_thread(self.repairs.reload, state, request, *slice_.around())
            await asyncio.to_thread(self.repairs.finish, request, slice_, state.pending, differed)
            self.jobs.metrics.worked("done")
        await asyncio.sleep(self._rest_seconds(time.monotonic() - began))

    async def _ours(self, generation: int, request: Request) -> WorkerState | None:
        """The state with everything that was taken stored; None when the partition may have another owner."""
        _, state = self.now()
        await self.flusher.drain(state)
        now, after = self.now()
        ours = request.src_partition in state.partitions or request.src_partition < self.settings.src_partition(0)
        return state if now == generation == state.generation and after is state and ours else None

    async def _cut(self, state: WorkerState, request: Request) -> int:
        """What is applied; nothing comes any more to partitions of former generations."""
        partition = state.partitions.get(request.src_partition)
        if partition is not None:
            return partition.applied
        asked = statements.applied_offset(request.src_partition)
        return int((await asyncio.to_thread(self.sink.rows, asked))[0][0])

    def _rest(self, worked_seconds: float) -> None:
        time.sleep(self._rest_seconds(worked_seconds))

    def _rest_seconds(self, worked_seconds: float) -> float:
        return min(REST_SHARE * worked_seconds, LONGEST_REST_SECONDS) if self._waiting else 0.0

    def _ended(self, task: "asyncio.Task[bool]") -> None:
        """What no slice may raise ends the process, as everything unexpected does."""
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.leave("job failed", failure)
