"""Does slices of jobs beside the stream (rule E20): raw events while takes go on, rollup rows between them.

Small slices of a job are done together, as a bundle; when that fails, one by one.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from stream_jobs.errors import NotOurs
from stream_jobs.rollups.bundle import Bundle
from stream_jobs.worker import job_statements
from stream_jobs.worker.flush import Flusher
from stream_jobs.worker.jobs import FAILURES, Jobs, Work
from stream_jobs.worker.repair import DERIVATIONS, Counts, Derivation, Repairs
from stream_jobs.worker.requests import Request, Requests, mark_of
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import WorkerState
from stream_jobs.worker.stream_lag import StreamLag

log = structlog.get_logger()
HALT_SECONDS = 1.0
"""How long the stream stands still for steps of a bundle before the next one waits for another halt. Each costs a
flush."""
NAP_SECONDS = 0.25
"""A rest is looked at again after so long: it ends when the stream has caught up."""
Step = Callable[[WorkerState, Bundle], None]
"""A part of a bundle that is done while nothing is taken. Blocking; the bundle is at the cut of the moment."""
JOB_FAILED = "job failed"
"""What a worker leaves for when a job is to blame."""


@dataclass(slots=True)
class Foreman:
    """owning: held by whoever changes the state. now: group generation and state."""

    sink: Sink
    jobs: Jobs
    repairs: Repairs
    flusher: Flusher
    owning: asyncio.Lock
    now: Callable[[], tuple[int, WorkerState]]
    leave: Callable[[str, BaseException], None]
    trusted: Callable[[], bool]
    """Whether no process died of the log: otherwise jobs wait, so that it is clear what processes die of (E29)."""
    _working: asyncio.Task[bool] | None = field(default=None, init=False)
    _lag: StreamLag = field(default_factory=StreamLag, init=False)

    def look(self, generation: int, waiting: Mapping[int, int]) -> None:
        """Begins the next bundle in the background when there is one and none is being done.

        waiting: envelopes in the log, by partition; while one is far behind, jobs leave most of the time to the stream.
        """
        applied = {number: partition.applied for number, partition in self.now()[1].partitions.items()}
        self._lag.see(time.monotonic(), generation, applied, waiting)
        if self.trusted() and self.jobs.due() and (self._working is None or self._working.done()):
            self._working = asyncio.create_task(self.work(generation))
            self._working.add_done_callback(self._ended)

    async def work(self, generation: int) -> bool:
        """Does one bundle to its end; false when there is none, when it must rest, or when it is another's by now."""
        _, state = self.now()
        applied = {number: partition.applied for number, partition in state.partitions.items()}
        work = await asyncio.to_thread(self.jobs.next, applied, self.jobs.forgotten)
        await self._await_no_longer()
        if work is None:
            return False
        requests, mark = work.requests, mark_of(work.requests)
        if len(requests) == 1 and (rest := self.jobs.attempts.rest_seconds(*mark)):
            log.warning("a slice rests: processes ended while they worked on it", place=mark, seconds=round(rest))
            self.jobs.set_aside(requests[0].repair_id, rest)
            return False
        bundle = await asyncio.to_thread(self.repairs.bundle_of, requests, -1)
        try:
            with self.jobs.attempts.at(*mark):
                await self._done(generation, work, bundle)
        except NotOurs:
            return False
        except FAILURES as refused:
            if not self._is_ours(generation, work):
                return False
            await self._failed(work, bundle, refused)
        return True

    async def _failed(self, work: Work, bundle: Bundle, refused: Exception) -> None:
        if len(work.requests) > 1:
            self.jobs.do_one_by_one(work.requests[0].repair_id)
            return
        if self.jobs.puts_off(work.job, refused):
            return
        await asyncio.to_thread(self.repairs.give_up, work.requests, bundle, str(refused))
        self.jobs.metrics.worked("failed", 1)

    async def _await_no_longer(self) -> None:
        """Lets go of awaited events that came before the records that name them, as a restart would."""
        if not self.jobs.met:
            return
        async with self.owning:
            _, state = self.now()
            while self.jobs.met:
                number, identity, src_offset = self.jobs.met.popleft()
                if number in state.partitions:
                    state.partitions[number].awaited.drop(identity, src_offset)

    async def _done(self, generation: int, work: Work, bundle: Bundle) -> None:
        self._check_ours(generation, work)
        if work.job is not None:
            running = await asyncio.to_thread(self.repairs.claimed, work.requests, bundle)
            if not running:
                return
            work = replace(work, requests=tuple(running))
            bundle = await asyncio.to_thread(self.repairs.bundle_of, work.requests, -1)
        if work.job is not None and work.job.kind == "erase":
            async with self.owning:
                await asyncio.to_thread(self.jobs.learn)
        self._check_ours(generation, work)
        refused = None
        try:
            removed = await asyncio.to_thread(self.jobs.rewrite, work, partial(self._rest, generation, work))
        except FAILURES as failure:
            # Some of the day may be written by now, and its rows must follow.
            if len(work.requests) > 1 or work.job is None or work.job.kind == "erase":
                raise
            removed, refused = 0, failure
        events = await asyncio.to_thread(self._rewritten, work, bundle, removed)
        self._check_ours(generation, work)
        bundle = await asyncio.to_thread(self.repairs.begun_as, work.requests, bundle)
        spans = await asyncio.to_thread(self.repairs.spans, bundle)
        if work.job is not None and work.job.kind == "replay":
            await self._replayed(generation, work, bundle, spans)
            return
        again = [partial(self._again, since, until) for since, until in spans]
        await self._between_takes(generation, work, bundle, [*again, *self._last_steps(work.requests, events, refused)])
        self.jobs.metrics.worked("failed" if refused else "done", len(work.requests), sum(events.values()))

    def _rewritten(self, work: Work, bundle: Bundle, removed: int) -> Counts:
        """How many raw events of each day were rewritten, some of them perhaps by a former owner; what an erasure
        removed counts with the first day."""
        if work.job is None:
            return {}
        if work.job.kind == "erase":
            first = bundle.slices[0]
            return {(first.organization, first.day): removed}
        return self.repairs.rewritten(work.requests, bundle)

    async def _replayed(self, generation: int, work: Work, bundle: Bundle, spans: list[tuple[int, int]]) -> None:
        """Builds days beside what is in use, then changes the two in one moment. Its count: rows that differed."""
        built_at = await self._cut(self.now()[1], work.requests[0])
        for since, until in spans:
            began = time.monotonic()
            self._check_ours(generation, work)
            await asyncio.to_thread(self.repairs.build_beside, replace(bundle, cut=built_at), since, until)
            await self._leave_to_the_stream(time.monotonic() - began)
        began = time.monotonic()
        async with self.owning:
            state = await self._stored(generation, work)
            bundle = replace(bundle, cut=await self._cut(state, work.requests[0]))
            differed = await asyncio.to_thread(self.repairs.switch, bundle, built_at)
            if bundle.src_partition in state.partitions:
                await asyncio.to_thread(self.repairs.reload, state, bundle, *bundle.around())
        await self._leave_to_the_stream(time.monotonic() - began)
        await self._between_takes(generation, work, bundle, self._last_steps(work.requests, differed))
        self.jobs.metrics.worked("done", len(work.requests))

    def _again(self, since: int, until: int, state: WorkerState, bundle: Bundle) -> None:
        self.repairs.recompute(bundle, since, until)
        if bundle.src_partition in state.partitions:
            self.repairs.reload(state, bundle, since, until)

    def _last_steps(self, requests: Requests, events: Counts, refused: Exception | None = None) -> list[Step]:
        """What follows the quarter hours of a bundle. events: what its rows in `repairs` tell. refused: why some of its
        raw events were not rewritten."""

        def finish(_: WorkerState, bundle: Bundle) -> None:
            if refused is None:
                self.repairs.finish(requests, bundle, events)
            else:
                self.repairs.give_up(requests, bundle, str(refused), events)

        return [*(partial(self._derive, derivation) for derivation in DERIVATIONS), finish]

    def _derive(self, derivation: Derivation, state: WorkerState, bundle: Bundle) -> None:
        self.repairs.derive_again(bundle, derivation, state.pending)

    async def _between_takes(self, generation: int, work: Work, bundle: Bundle, steps: Sequence[Step]) -> None:
        """Does the steps with the stream halted, as many in one halt as begin within HALT_SECONDS, each at the cut of
        its halt: what is taken between two of them is derived by whoever comes later, step or cascade. Raises
        NotOurs."""
        left = deque(steps)
        while left:
            began = time.monotonic()
            async with self.owning:
                state = await self._stored(generation, work)
                at = replace(bundle, cut=await self._cut(state, work.requests[0]))
                ends = time.monotonic() + HALT_SECONDS
                while left and time.monotonic() < ends:
                    self._check_ours(generation, work)
                    await asyncio.to_thread(left.popleft(), state, at)
            await self._leave_to_the_stream(time.monotonic() - began)

    async def _stored(self, generation: int, work: Work) -> WorkerState:
        """The state with everything that was taken stored. Raises NotOurs."""
        self._check_ours(generation, work)
        _, state = self.now()
        await self.flusher.drain(state)
        self._check_ours(generation, work)
        return state

    def _check_ours(self, generation: int, work: Work) -> None:
        if not self._is_ours(generation, work):
            first = work.requests[0]
            raise NotOurs(f"{first.repair_id}: {first.src_partition} {first.day}")

    def _is_ours(self, generation: int, work: Work) -> bool:
        """Whether nobody else may do it: of a former generation's partition it is done by the job's owner."""
        now, state = self.now()
        home = work.requests[0].src_partition if work.job is None else work.job.home
        return now == generation == state.generation and home in state.partitions

    async def _cut(self, state: WorkerState, request: Request) -> int:
        """What is applied; nothing comes any more to partitions of former generations."""
        partition = state.partitions.get(request.src_partition)
        if partition is not None:
            return partition.applied
        asked = job_statements.applied_offset(request.src_partition)
        return int((await asyncio.to_thread(self.sink.rows, asked))[0][0])

    def _rest(self, generation: int, work: Work, worked_seconds: float) -> None:
        """Between two spans of raw events. Raises NotOurs."""
        for nap in self._naps(worked_seconds):
            time.sleep(nap)
        self._check_ours(generation, work)

    async def _leave_to_the_stream(self, worked_seconds: float) -> None:
        """Rests after work, as long as the stream needs it."""
        for nap in self._naps(worked_seconds):
            await asyncio.sleep(nap)

    def _naps(self, worked_seconds: float) -> Iterator[float]:
        """How long to sleep each time, until the rest is over."""
        began = now = time.monotonic()
        while (left := began + self._lag.rest_seconds(worked_seconds, now) - now) > 0:
            yield min(left, NAP_SECONDS)
            now = time.monotonic()

    def _ended(self, task: "asyncio.Task[bool]") -> None:
        """What no slice may raise ends the process, as everything unexpected does."""
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.leave(JOB_FAILED, failure)
