"""The Faust app of one worker: wiring only."""

import asyncio
import gc
import time
from datetime import timedelta
from functools import partial
from typing import Any

import faust
import structlog
from prometheus_client import start_http_server
from structlog.contextvars import bind_contextvars

from producers.control.record import HEADER_CONTENT, HEADER_SIGNATURE
from producers.rejections.rejection import Rejection
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.erasure.erasure import Erasure
from stream_jobs.erasure.refusals import Refusals
from stream_jobs.errors import OffsetGap
from stream_jobs.logs import log_as_json
from stream_jobs.rollups.limits import SumTooLarge
from stream_jobs.worker.arrival import arrived
from stream_jobs.worker.backlog import backlog
from stream_jobs.worker.beat import Beat
from stream_jobs.worker.cascade import Cascade
from stream_jobs.worker.consumer import rejoin, resuming_consumer
from stream_jobs.worker.contents import Contents
from stream_jobs.worker.control import Controls
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.eviction import evict, over
from stream_jobs.worker.faust_app import faust_app
from stream_jobs.worker.flush import Flusher
from stream_jobs.worker.foreman import JOB_FAILED, Foreman
from stream_jobs.worker.former import Former
from stream_jobs.worker.guard import Guard
from stream_jobs.worker.jobs import Jobs
from stream_jobs.worker.leaving import leave, leave_on_failed_task, say_when_leaving
from stream_jobs.worker.metrics import Metrics
from stream_jobs.worker.outlook import Outlook
from stream_jobs.worker.poison.attempts import Attempts
from stream_jobs.worker.poison.caution import Caution
from stream_jobs.worker.poison.job_attempts import JobAttempts
from stream_jobs.worker.poison.trial import Child
from stream_jobs.worker.pulse import Pulse
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.resume import LogInspector, Resume, resume_positions
from stream_jobs.worker.routing import Forwarded
from stream_jobs.worker.rules import load_by, rules_from, rules_in_force
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import WorkerState
from stream_jobs.worker.take import Envelope, TakeProcessor
from stream_jobs.worker.takeover import Takeover
from stream_jobs.worker.work import is_control, portions, runs, spans
from tokentally.envelope import ARROW_STREAM, HEADER_CONTENT_TYPE
from warehouse.client import answers, connect
from warehouse.settings import WarehouseSettings

log = structlog.get_logger()
FLUSH_CHECK_SECONDS = 0.05
BEAT_SECONDS = 0.5
TAKES_WAITING = 30
"""Takes that may wait for a flush; beyond, consuming waits too."""
SLACK = 4
"""One part in so many of the cap may be exceeded while rows wait for their acknowledgement."""
YOUNG_OBJECTS = 20_000
"""Objects made before the garbage collector looks for cycles among them; a thousand events are some thousands."""
STOP_SECONDS = 10.0
"""What a graceful stop may take to store what was taken."""


class Worker:
    """One process: consumes its partitions, keeps their rows, and leaves on anything unexpected."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        self.beat = Beat(settings.run_folder, settings.name)
        self.client = arrived(self.beat, WarehouseSettings())
        self.sink = Sink(self.client, self.beat, connect)
        self.directory = Directory(self.sink, settings.default_time_zone, settings.default_week_start)
        self.metrics = Metrics()
        self.outlook = Outlook(settings, self._ping, leave, lambda: rejoin(self.app.consumer))
        self.pulse = Pulse(self.beat, self.metrics, self.outlook)
        self.cascade = Cascade(self.sink, self.beat, self.directory, settings.cascade_seconds)
        self.inspector = LogInspector(settings)
        self.state = WorkerState(-1)
        self.resume = Resume()
        self.preparing = asyncio.Lock()
        self.repairs = Repairs(self.sink, self.directory)
        self.owning = asyncio.Lock()
        """Held by whoever changes the state: a take, or work between takes."""
        self.app = self._faust()
        self.stream: Any = None
        self.flusher = Flusher(
            settings,
            self.sink,
            self.directory,
            self.cascade,
            self.metrics,
            self._acknowledge,
            self._send_refusal,
            self._forward,
        )
        rules = rules_in_force(self.client, settings)
        load_by(rules.books, self.sink)
        contents = Contents(self.sink, self.beat, lambda: self.caution.attempts.rest())
        self.controls = Controls(
            self.sink, self.directory, rules.books, rules.routing, contents.of, settings.control_key
        )
        tombstones = Tombstones(settings.erasure_key)
        erasure = Erasure(
            self.sink,
            tombstones,
            timedelta(seconds=settings.erasure_sweep_seconds),
            self.inspector.kept_for,
            refusals_are_stored=Refusals(self.sink, settings.rejected_topic, self.inspector.refusals).are_stored,
        )
        onlooker = self.sink.aside()
        self.job_attempts = JobAttempts(settings.run_folder / "attempts.jobs")
        jobs = Jobs(
            self.sink,
            self.repairs,
            rules.books,
            erasure,
            rules.times,
            self.metrics,
            self.job_attempts,
            onlooker,
            rules.routing,
        )
        self.pulse.jobs = jobs.told
        self.foreman = Foreman(
            self.sink,
            jobs,
            self.repairs,
            self.flusher,
            self.owning,
            lambda: (self.app.consumer_generation_id, self.state),
            leave,
            lambda: not self.caution.suspects,
        )
        self.processor = TakeProcessor(self.sink, self.directory, rules, tombstones, settings.rows_in_memory // 8)
        self.former = Former(settings, self.sink, self.directory, self.cascade)
        self.guard = Guard(settings, self.sink, self.sink.aside(), self.inspector, self.beat, leave)
        self.flusher.check_log = self.guard.log_is_ours
        self.sink.returned = lambda: self.guard.warehouse_is_ours(self.state)
        self.caution = Caution(
            Attempts(settings.run_folder / "attempts"),
            self.job_attempts,
            self.sink,
            self.beat,
            self.metrics,
            lambda: Child(partial(rules_from, WarehouseSettings(), settings), settings),
            settings.src_partition,
            self._envelope,
            self.flusher.drain,
        )
        self.takeover = Takeover(
            self.sink,
            self.directory,
            self.former,
            self.repairs,
            self.caution,
            self.job_attempts,
            tombstones,
            rules.books,
            settings.window_events,
        )

    def _faust(self) -> faust.App:
        settings = self.settings
        app = faust_app(settings, self._drain)
        app.transport.Consumer = resuming_consumer(  # type: ignore[misc]
            settings.events_topic, self._positions, self._assigned, self._revoked, leave
        )
        self.events = app.topic(settings.events_topic, value_type=bytes, value_serializer="raw")
        self.refusals = app.topic(settings.rejected_topic, value_type=bytes, value_serializer="raw")
        app.agent(self.events, concurrency=1)(self._consume)
        app.task(self._tick)
        app.task(self._tell)
        return app

    def _ping(self) -> None:
        answers(WarehouseSettings())

    def _positions(self, generation: int, partitions: list[int]) -> Resume:
        return resume_positions(self.settings, self.sink, self.inspector, generation, partitions)

    def _assigned(self, resume: Resume) -> None:
        if resume.generation != self.app.consumer_generation_id:
            return  # the answer to a question of an older generation
        self.resume = resume
        self.beat.move()

    def _revoked(self) -> None:
        self.flusher.hurry = True

    async def _acknowledge(self, event: Any) -> None:
        await self.stream.ack(event)

    async def _send_refusal(self, rejection: Rejection) -> Any:
        return await self.refusals.send(key=rejection.rejection_id.encode(), value=rejection.encoded())

    async def _forward(self, forwarded: Forwarded) -> Any:
        headers = {HEADER_CONTENT_TYPE: ARROW_STREAM.encode()}
        return await self.events.send(partition=forwarded.partition, value=forwarded.value, headers=headers)

    async def _consume(self, stream: Any) -> None:
        self.stream = stream
        try:
            async for events in stream.noack_take(self.settings.take_envelopes, within=self.settings.take_seconds):
                for portion in portions(events, self.settings.take_bytes):
                    async with self.owning:
                        self.flusher.taking = True
                        bind_contextvars(work=spans(portion))
                        await self._take(portion)
                        self.flusher.taking = False
        except asyncio.CancelledError:
            raise
        except BaseException as failure:  # noqa: BLE001 - Faust would acknowledge what failed and go on
            self.caution.blameless(failure)
            leave("agent failed", failure)

    async def _take(self, events: list[Any]) -> None:
        fresh = await self._admitted(events)
        if not fresh:
            return
        for controls, run in runs(fresh):
            if controls:
                await self._control(run)
            else:
                await self._count(run)
        self.beat.move()
        if self.flusher.waiting > TAKES_WAITING:
            await self.flusher.drain(self.state)
        for partition in self.state.partitions.values():
            partition.window.evict()
        if over(self.state, self.settings.rows_in_memory) > 0:
            await self._evict()

    async def _count(self, events: list[Any]) -> None:
        """Takes envelopes of usage."""
        async for part in self.caution.parts(self.state, events):
            before = self.state.totals
            try:
                taken = await self.processor.process(self.state, [self._envelope(event) for event in part])
            except SumTooLarge as refused:
                raise await self.caution.too_large(self.state, refused) from refused
            self.metrics.took(taken, before, self.state.totals)
            await self.caution.check(self.state, taken)
            await self.flusher.add(part, taken)

    async def _control(self, events: list[Any]) -> None:
        """Applies a control record, which comes alone."""
        async for part in self.caution.parts(self.state, events):
            taken = await self.controls.apply(self.state, self._envelope(part[0]))
            self.metrics.controlled(taken)
            await self.caution.check(self.state, taken)
            await self.flusher.add(part, taken)

    async def _admitted(self, events: list[Any]) -> list[Any]:
        """The events of this generation that continue their partition; replayed ones are acknowledged and dropped."""
        generation = self.app.consumer_generation_id
        await self._prepare(generation, {event.message.partition for event in events})
        fresh = []
        for event in events:
            message = event.message
            if message.generation_id != generation or message.partition in self.resume.refused:
                continue
            partition = self.state.partitions[self.settings.src_partition(message.partition)]
            if message.offset > partition.next_offset:
                # Seeking in mid-flow is not safe under Faust: leave, and seek at the next start.
                raise OffsetGap(
                    f"partition {message.partition}: {message.offset} came, {partition.next_offset} was due; a topic "
                    "with transactions or compaction has gaps for ever and cannot be counted"
                )
            if message.offset < partition.next_offset:
                self.metrics.skipped_envelopes.inc()
                await self._acknowledge(event)
                continue
            partition.next_offset += 1
            partition.clock_ms = max(partition.clock_ms, round(message.timestamp * 1000))
            fresh.append(event)
        return fresh

    async def _prepare(self, generation: int, kafka_partitions: set[int]) -> None:
        """Begins the state of a group generation and loads every assigned partition that may be resumed."""
        async with self.preparing:
            if generation != self.state.generation:
                await self.flusher.finish()
                self.directory.forget()
                self.state = WorkerState(generation)
                self.foreman.jobs.forget()
            resume = self.resume
            if resume.generation != generation or not kafka_partitions <= resume.progress.keys():
                assigned = {place.partition for place in self.app.consumer.assignment() if self._is_mine(place)}
                asked = sorted(assigned | kafka_partitions)
                resume = self.resume = await asyncio.to_thread(self._positions, generation, asked)
            progress = {
                self.settings.src_partition(partition): known
                for partition, known in resume.progress.items()
                if partition not in resume.refused
            }
            missing = {number: known for number, known in progress.items() if number not in self.state.partitions}
            if missing:
                loaded, pending = await asyncio.to_thread(self.takeover.partitions, missing)
                self.state.topic_id = resume.topic_id
                self.state.partitions.update(loaded)
                self.state.pending.update(pending)

    def _is_mine(self, place: Any) -> bool:
        return bool(place.topic == self.settings.events_topic)

    def _envelope(self, event: Any) -> Envelope:
        message = event.message
        headers = dict(message.headers or {})
        content_type = headers.get("content-type")
        return Envelope(
            self.settings.src_partition(message.partition),
            message.offset,
            round(message.timestamp * 1000),
            content_type.decode("ascii", "replace") if content_type is not None else None,
            message.value or b"",
            is_control(event),
            headers.get(HEADER_SIGNATURE),
            headers.get(HEADER_CONTENT),
        )

    async def _tick(self) -> None:
        asyncio.get_running_loop().set_exception_handler(leave_on_failed_task)
        while True:
            await asyncio.sleep(FLUSH_CHECK_SECONDS)
            try:
                await self._turn()
            except asyncio.CancelledError:
                raise
            except BaseException as failure:  # noqa: BLE001 - a silent tick would never flush again
                leave("tick failed", failure)

    async def _tell(self) -> None:
        """Beside the tick, which may wait for the warehouse: the outside must go on hearing for what."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                lag, seconds = self._backlog(), self.sink.statement_seconds()
                self.pulse.tell(self.state, self.resume, lag, rests=self.flusher.idle, statement_seconds=seconds)
            except Exception as failure:  # noqa: BLE001 - a silent pulse would have the worker killed
                leave("telling failed", failure)

    def _backlog(self) -> dict[int, int]:
        return backlog(self.app.consumer, self.settings, self.state, self.resume, self.outlook.ends)

    async def _turn(self) -> None:
        generation = self.app.consumer_generation_id
        if self.resume.generation == generation != self.state.generation and self.flusher.rests:
            await self._prepare(generation, set())
        self.guard.look(self.state, self.resume)
        behind = self._backlog()
        waiting = sum(behind.values())
        if self.flusher.due(waiting):
            await self.flusher.start(self.state)
        elif self.state.generation == generation:
            if self.flusher.rests and not self.owning.locked() and self.cascade.due(self.state):
                await self.flusher.cascade(self.state, alone=waiting == 0)
            self.foreman.look(
                generation, {self.settings.src_partition(number): envelopes for number, envelopes in behind.items()}
            )

    async def _drain(self) -> None:
        """Before a graceful stop: what was taken is stored and acknowledged, nothing more is taken."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.owning.acquire()
                await self.flusher.drain(self.state)
        except TimeoutError:
            log.warning("stopping without a last flush: the next worker takes it again", seconds=STOP_SECONDS)
        self.job_attempts.forget()

    def blame_no_job(self, what: str) -> None:
        """A process that leaves for a reason of its own did not die of the job beside it."""
        if what != JOB_FAILED:
            self.job_attempts.forget()

    async def _evict(self) -> None:
        """Forgets rows that are acknowledged (rule E4); waits for acknowledgements only when they are not enough."""
        cap = self.settings.rows_in_memory
        self.metrics.evictions.inc()
        evict(self.state, cap)
        if over(self.state, cap) > cap // SLACK:
            await self.flusher.drain(self.state)
            evict(self.state, cap)


def run() -> None:
    """Runs the worker until it is told to stop."""
    log_as_json()
    worker = Worker(WorkerSettings())
    start_http_server(worker.settings.port, addr="127.0.0.1")
    worker.outlook.start()
    say_when_leaving(worker.blame_no_job)
    # What lives as long as the process is never looked at again; envelopes leave few cycles, and no large ones.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    log.info("started", worker=worker.settings.name, cpu_seconds=round(time.process_time(), 2))
    shell = faust.Worker(worker.app, quiet=True, redirect_stdouts=False, override_logging=False)
    shell.spinner = None  # it would draw into the log
    shell.execute_from_commandline()
