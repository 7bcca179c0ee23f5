"""Lives of workers on one log and one warehouse: the worker's own code, without Kafka, threads and ClickHouse."""

import asyncio
import os
import tempfile
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from prometheus_client import CollectorRegistry

from producers.rejections.rejection import Rejection
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.erasure.erasure import Erasure
from stream_jobs.worker import app
from stream_jobs.worker.app import Worker
from stream_jobs.worker.beat import Beat
from stream_jobs.worker.cascade import Cascade
from stream_jobs.worker.contents import Contents
from stream_jobs.worker.control import Controls
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.eviction import forget
from stream_jobs.worker.flush import Flusher
from stream_jobs.worker.foreman import Foreman
from stream_jobs.worker.former import Former
from stream_jobs.worker.guard import check_not_set_back
from stream_jobs.worker.jobs import Jobs
from stream_jobs.worker.metrics import Metrics
from stream_jobs.worker.poison.attempts import Attempts
from stream_jobs.worker.poison.caution import Caution
from stream_jobs.worker.poison.job_attempts import JobAttempts
from stream_jobs.worker.poison.trial import Outcome, Trial, performed
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.resume import LogState, Resume
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import WorkerState
from stream_jobs.worker.take import Rules, TakeProcessor
from stream_jobs.worker.takeover import Takeover
from tests.stream_jobs.worker.fake_sink import FakeSink, Fate, Killed, asking_the_fake
from tests.stream_jobs.worker.fake_warehouse import FakeWarehouse
from tests.stream_jobs.worker.sent import CONTROL_KEY, DEFAULT_ZONE, PARTITIONS, REGISTERED, Event, Log, rules
from warehouse.families import FAMILIES

GENERATION = 3
TOPIC_ID = "topic-1"
RULES = rules()
ERASURE_KEY = b"a key of the simulation"
SUMMED = {family.table: family.measures for family in FAMILIES}


class QuietBeat(Beat):
    """Counts without files."""

    def __post_init__(self) -> None:
        """Leaves no file."""


class QuietMetrics(Metrics):
    """Tells nobody: the process's own registry knows one worker."""

    def __init__(self) -> None:
        super().__init__(CollectorRegistry())


@dataclass(frozen=True)
class Step:
    """One take of so many envelopes, and what is done after it."""

    envelopes: int
    then: str = ""


class CalledForeman(Foreman):
    """Works when it is told to, not in the background."""

    def look(self, generation: int, waiting: Mapping[int, int]) -> None:
        """Begins nothing."""


@dataclass(frozen=True)
class HereAndNow:
    """Trials without a process of their own: an exception is the only end there is."""

    rules: Rules
    settings: WorkerSettings

    def ask(self, trial: Trial) -> Outcome:
        """The outcome, told as the real child tells it."""
        try:
            with ThreadPoolExecutor(1) as elsewhere:  # an event loop of its own
                return Outcome(answer=elsewhere.submit(performed, trial, self.rules, self.settings).result())
        except Exception as failure:  # noqa: BLE001 - the verdict
            return Outcome(f"{type(failure).__name__}: {failure}")

    def close(self) -> None:
        """Nothing to end."""


class SimulatedWorker(Worker):
    """The worker with its real steps; only what reaches outside is replaced."""

    def __init__(
        self,
        log: Log,
        sink: Sink,
        window_events: int,
        attempts: Path,
        rules: Rules = RULES,
        rows_in_memory: int = 1_000_000,
    ) -> None:
        home = Path("unused")
        self.log = log
        self.sink = sink
        self.fake = sink if isinstance(sink, FakeSink) else FakeSink(FakeWarehouse())
        self.settings = WorkerSettings(
            home=home, window_events=window_events, default_time_zone=DEFAULT_ZONE, rows_in_memory=rows_in_memory
        )
        self.beat = QuietBeat(home, "simulated")
        self.directory = Directory(sink, DEFAULT_ZONE, 1)
        self.cascade = Cascade(sink, self.beat, self.directory, 1.0)
        self.state = WorkerState(-1)
        self.resume = Resume()
        self.preparing, self.owning = asyncio.Lock(), asyncio.Lock()
        self.repairs = Repairs(sink, self.directory)
        self.acknowledged: list[tuple[int, int]] = []
        self.sink.returned = lambda: check_not_set_back(sink, self.settings.events_topic, self.state.partitions)
        consumer = SimpleNamespace(assignment=tuple)
        self.app = SimpleNamespace(consumer_generation_id=GENERATION, consumer=consumer)  # type: ignore[assignment]
        self.inspector = SimpleNamespace(state=self.log_state)  # type: ignore[assignment]
        handlers: tuple[Callable[[Any], Awaitable[Any]], ...] = (self._acknowledge, self._send_refusal, self._forward)
        self.metrics = QuietMetrics()
        self.flusher = Flusher(self.settings, sink, self.directory, self.cascade, self.metrics, *handlers)
        tombstones = Tombstones(lambda: ERASURE_KEY)
        job_attempts = JobAttempts(attempts.with_suffix(".jobs"))
        self.foreman = CalledForeman(
            sink,
            Jobs(
                *(sink, self.repairs, rules.books, Erasure(sink, tombstones), rules.times, self.metrics),
                job_attempts,
                sink,
                rules.routing,
            ),
            self.repairs,
            self.flusher,
            self.owning,
            lambda: (GENERATION, self.state),
            raised,
            lambda: not self.caution.suspects,
        )
        self.processor = TakeProcessor(sink, self.directory, rules, tombstones, rows_in_memory // 8)
        self.former = Former(self.settings, sink, self.directory, self.cascade)
        self.guard = SimpleNamespace(look=lambda _state, _resume: None)  # type: ignore[assignment]
        self.caution = Caution(
            Attempts(attempts),
            job_attempts,
            sink,
            self.beat,
            self.metrics,
            lambda: HereAndNow(rules, self.settings),
            self.settings.src_partition,
            self._envelope,
            self.flusher.drain,
        )
        self.outlook = SimpleNamespace(ends={})  # type: ignore[assignment]
        self.takeover = Takeover(
            *(sink, self.directory, self.former, self.repairs, self.caution, job_attempts),
            *(tombstones, rules.books, window_events),
        )
        contents = Contents(sink, self.beat, self.caution.attempts.rest)
        self.controls = Controls(sink, self.directory, rules.books, rules.routing, contents.of, lambda: CONTROL_KEY)

    def log_state(self, partitions: list[int]) -> LogState:
        """The broker's answer."""
        return LogState(TOPIC_ID, dict.fromkeys(partitions, 0), {p: self.log.end(p) for p in partitions})

    def assign(self) -> dict[int, int]:
        """What a rebalance does; returns where each partition is to be read from."""
        self.resume = self._positions(GENERATION, sorted(set(PARTITIONS.values())))
        return {partition: known.applied_offset + 1 for partition, known in self.resume.progress.items()}

    async def _acknowledge(self, event: Event) -> None:
        self.acknowledged.append((event.message.partition, event.message.offset))

    async def _send_refusal(self, rejection: Rejection) -> Awaitable[None]:
        return asyncio.ensure_future(self._deliver(rejection))

    async def _deliver(self, rejection: Rejection) -> None:
        await asyncio.sleep(0)
        kept = self.fake.warehouse.rejections
        self.fake.fate.write("refusal", lambda: kept.__setitem__(rejection.rejection_id, rejection))

    async def live(self, steps: Sequence[Step], again: int = 0, zombie: Fate | None = None, *, last: bool) -> None:
        """Takes by the plan; the last life takes all that is left, writes it, and derives what has closed.

        again: so many envelopes that were applied already are handed over once more.
        """
        starts = self.assign()
        await self._turn()
        waiting = [m for m in self.log.messages if m.offset >= starts[m.partition] - again]
        await self._consume(_Stream(self, waiting, steps, zombie, last=last))


@dataclass(slots=True)
class _Stream:
    """What Faust hands to the agent."""

    worker: SimulatedWorker
    waiting: list[Any]
    steps: Sequence[Step]
    zombie: Fate | None
    last: bool

    async def ack(self, event: Event) -> None:
        """Unused: the worker's acknowledgements are recorded by itself."""

    async def noack_take(self, _max: int, within: float) -> AsyncIterator[list[Event]]:
        del within
        for step in self.steps:
            if not self.waiting and not self.last:
                return
            yield self._next(step.envelopes)
            await self._do(step.then)
        while self.waiting and self.last:
            yield self._next(3)
        if self.last:
            for action in ("thaw all", "drain", "look"):
                await self._do(action)

    def _next(self, envelopes: int) -> list[Event]:
        taken, self.waiting = self.waiting[:envelopes], self.waiting[envelopes:]
        return [Event(replace(message, generation_id=GENERATION)) for message in taken]

    async def _repair(self, *, everything: bool) -> None:
        warehouse, worker = self.worker.fake.warehouse, self.worker
        if everything:
            warehouse.ask_repairs()
        mine = list(worker.state.partitions)
        most = 1 + len(warehouse.open_repairs(mine))  # together, and one by one when that fails
        for _ in range(most):
            if warehouse.open_repairs(mine):
                worker.foreman.jobs.forget()
                assert await worker.foreman.work(GENERATION)

    async def _cascade(self, *, look: bool) -> None:
        """Until nothing closed waits. look: for late marks first, because it is time."""
        worker = self.worker
        await worker.flusher.drain(worker.state)
        if look:
            worker.cascade._look = worker.cascade._next = 0.0
            assert worker.cascade.due(worker.state)
        while look or any(True for _ in worker.cascade._closed(worker.state)):
            look = False
            await worker.flusher.cascade(worker.state)
            await worker.flusher.drain(worker.state)

    async def _do(self, action: str) -> None:
        worker = self.worker
        if action == "flush":
            await worker.flusher.start(worker.state)
        elif action == "drain":
            await worker.flusher.drain(worker.state)
        elif action in ("cascade", "look"):
            await self._cascade(look=action == "look")
        elif action.startswith("repair"):
            await self._repair(everything=action != "repair asked")
        elif action == "evict":
            forget(worker.state, worker.state.pairs.take)
        elif action == "evict rows":
            forget(worker.state, worker.state.pairs.take, noted_keys=3)
        elif action == "forget":
            await worker.flusher.drain(worker.state)
            forget(worker.state, worker.state.pairs.take)
        elif action.startswith("thaw") and self.zombie is not None:
            self.zombie.thaw(None if action == "thaw all" else 2)


@dataclass
class Simulation:
    """One log and one warehouse; workers come and go."""

    log: Log
    window_events: int = 5
    rows_in_memory: int = 1_000_000
    warehouse: FakeWarehouse = field(default_factory=FakeWarehouse)
    seed: int = 0

    def __post_init__(self) -> None:
        file, name = tempfile.mkstemp()
        os.close(file)
        self.attempts = Path(name)
        weakref.finalize(self, _removed, self.attempts)
        for name, (zone, week_start) in REGISTERED.items():
            row = {"organization": name, "effective_from": 0, "time_zone": zone, "week_start": week_start}
            self.warehouse.store("organizations", [row])

    def live(
        self,
        *steps: Step,
        fate: Fate | None = None,
        again: int = 0,
        zombie: Fate | None = None,
        last: bool = False,
        rules: Rules = RULES,
    ) -> SimulatedWorker:
        """One worker from its start to its end. What it had not written when it ends is lost."""
        sink = FakeSink(self.warehouse, fate)
        worker = SimulatedWorker(self.log, sink, self.window_events, self.attempts, rules, self.rows_in_memory)
        with asking_the_fake(self.seed), patch.object(app, "leave", raised):
            try:
                asyncio.run(_quietly(worker.live(steps, again, zombie, last=last)))
            except Killed:
                assert worker.fake.fate.dead
        assert last is False or not worker.fake.fate.dead
        return worker

    def finish(self, *steps: Step, zombie: Fate | None = None) -> "Simulation":
        """A last worker takes what is left; it is handed one record of each partition that was applied already."""
        self.live(*steps, again=1, zombie=zombie, last=True)
        return self

    def sums(self, table: str, grain: str) -> dict[tuple[Any, ...], dict[str, int]]:
        """The stored rows of one family and grain, by organisation, bucket, dimensions and partition."""
        return {
            key[1:]: {name: row[name] for name in SUMMED[table]}
            for key, row in self.warehouse.tables[table].items()
            if key[0] == grain and any(row[name] for name in SUMMED[table])
        }

    def requests(self, grain: str = "quarter") -> int:
        """What the rows of a grain add up to."""
        return sum(row["requests"] for row in self.sums("rollup", grain).values())

    def offsets(self, table: str) -> dict[tuple[Any, ...], int]:
        """The stored quarter rows' offsets."""
        rows = self.warehouse.tables[table].items()
        return {key[1:]: row["offset"] for key, row in rows if key[0] == "quarter"}

    def counts(self) -> dict[int, dict[str, int]]:
        """The stored counters."""
        names = ("seen", "accepted", "duplicates", "rejected")
        return {
            r["src_partition"]: {name: r[name] for name in names} for r in self.warehouse.rows("partition_progress")
        }

    def marks(self, kind: str) -> set[tuple[int, str, str, date]]:
        """The periods that were ever marked so."""
        return {key[:4] for key in self.warehouse.tables["touched_periods"] if key[4] == kind}

    def pending(self) -> set[tuple[int, str, str, date]]:
        """The periods that the views take from finer rows."""
        return {row[:4] for row in self.warehouse.pending_periods(list(PARTITIONS.values()))}


def _removed(attempts: Path) -> None:
    for path in (attempts, attempts.with_suffix(".jobs")):
        path.unlink(missing_ok=True)


def raised(_what: str, failure: BaseException) -> None:
    raise failure


async def _quietly(life: Awaitable[None]) -> None:
    """What fails beside the dead is not told."""
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    await life
