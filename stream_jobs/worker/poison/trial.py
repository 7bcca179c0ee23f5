"""Works on one envelope in a process of its own: a crash, a bomb or a hang ends that process and not the worker.

The child does what a worker does up to the rows to be stored, with the same rules and with nothing from the warehouse.
"""

import asyncio
import logging
import multiprocessing
import os
import pickle
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Literal

import polars as pl
import structlog

from producers.control.bodies import ConfigBody
from producers.control.record import signature
from producers.envelopes.partly import event_bytes, event_count
from producers.errors import ControlRefused
from producers.rejections.rejection import RAW_BYTES_KEPT
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.deduplication.window import Window
from stream_jobs.worker.batch import raw_rows
from stream_jobs.worker.control import Controls
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.partition import Partition, Progress
from stream_jobs.worker.poison.quarantine import HeldRows, Quarantine
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink, arrow_stream
from stream_jobs.worker.state import WorkerState
from stream_jobs.worker.take import Envelope, Rules, TakeProcessor
from warehouse.literals import masked

SECONDS = 30.0
"""How long one trial may take: a thousand times what an envelope takes."""
MEMORY_BYTES = 2 << 30
"""What a trial may claim beyond what the child has at its start."""
START_SECONDS = 120.0

KEY = b"a trial is about what a record says, not about who said it"
CONTROL = b'{"event_id":"control","time":"%b","organization":"%b","model":"control","input_tokens":1}'

Question = Literal["take", "control", "count", "bytes"]


@dataclass(frozen=True, slots=True)
class Trial:
    """What the child is asked.

    take: work on the envelope around what is held. control: work on a harmless one in its place. count: how many
    events it has. bytes: those of the event `at`.
    """

    envelope: Envelope
    question: Question = "take"
    held: HeldRows | None = None
    at: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """failure: how it ended, "" when all went well; answer: what was asked for."""

    failure: str = ""
    answer: Any = None


class NoWarehouse(Sink):
    """Knows nothing and forgets everything: organisations get the default calendar."""

    def __init__(self) -> None:
        """Needs no connection."""

    def insert(self, table: str, frame: pl.DataFrame, check: Callable[[], None] = lambda: None) -> None:
        """Stores nothing."""

    def frame(self, sql: str, asked: pl.DataFrame | None = None) -> pl.DataFrame:  # noqa: ARG002
        """No rows."""
        return pl.DataFrame()

    def command(self, sql: str) -> None:
        """Runs nothing."""


def performed(trial: Trial, rules: Rules, settings: WorkerSettings) -> Any:
    """The answer to a trial. Raises or dies of what the envelope does."""
    envelope = trial.envelope
    match trial.question:
        case "count":
            return event_count(envelope.value, envelope.content_type)
        case "bytes":
            return event_bytes(envelope.value, envelope.content_type, trial.at)[:RAW_BYTES_KEPT]
        case "take":
            return asyncio.run(_taken(trial, rules, settings))
        case "control":
            return asyncio.run(_taken(Trial(_harmless(envelope, rules)), rules, settings))


def _harmless(envelope: Envelope, rules: Rules) -> Envelope:
    """One event at this place of the log that is accepted."""
    names = pl.Series([f"control-{number}" for number in range(100 * rules.routing.partitions)])
    at_home = names.filter(rules.routing.homes(names) == envelope.src_partition)
    time = datetime.fromtimestamp(envelope.append_ms / 1000, UTC).isoformat()
    value = CONTROL % (time.encode(), at_home[0].encode())
    return replace(envelope, value=value, content_type=None, is_control=False)


async def _taken(trial: Trial, rules: Rules, settings: WorkerSettings) -> None:
    envelope = trial.envelope
    sink = NoWarehouse()
    directory = Directory(sink, settings.default_time_zone, settings.default_week_start)
    state = WorkerState(0)
    partition = Partition.resumed(envelope.src_partition, Progress(envelope.offset - 1), Window(settings.window_events))
    partition.quarantine = Quarantine({envelope.offset: dict(trial.held)} if trial.held else {})
    state.partitions[envelope.src_partition] = partition
    if envelope.is_control:
        signed = replace(envelope, signature=signature(envelope.value, KEY))
        taken = await Controls(sink, directory, rules.books, rules.routing, _unknown, lambda: KEY).apply(state, signed)
    else:
        taken = await TakeProcessor(sink, directory, rules, Tombstones()).process(state, [envelope])
    for _, frame in taken.written:
        arrow_stream(frame)
    if taken.raw is not None:
        arrow_stream(raw_rows(taken.raw))
    for store, touched in zip(state.stores, taken.rows, strict=False):
        if len(touched):
            arrow_stream(store.rows(touched))


def _unknown(body: ConfigBody, _organization: str, _packed: bytes | None) -> str:
    """What a revision says stands in the warehouse: it is not tried, and its record is applied no further."""
    raise ControlRefused(f"revision {body.revision} of the {body.subject} is not known here")


def serve(connection: Connection, load_rules: Callable[[], Rules], settings: WorkerSettings) -> None:
    """Answers trials until the other side closes. An alarm ends a trial that hangs, even when the worker is gone."""
    rules = load_rules()
    used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")  # noqa: SIM115
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, used + MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    connection.send(Outcome())
    while True:
        try:
            trial = connection.recv()
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            outcome = Outcome(answer=performed(trial, rules, settings))
        except BaseException as failure:  # noqa: BLE001 - a panic of polars is one of those; all are the verdict
            outcome = Outcome(f"{type(failure).__name__}: {masked(str(failure))[:300]}")
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.send(outcome)


class Child:
    """The process that tries; started when first needed and again after each death. Blocking; used by one thread.

    load_rules runs in the child and travels there: a compiled price book cannot.
    """

    def __init__(self, load_rules: Callable[[], Rules], settings: WorkerSettings) -> None:
        self._load_rules = load_rules
        self._settings = settings
        self._process: Any = None
        self._connection: Any = None

    def ask(self, trial: Trial) -> Outcome:
        """How the trial ended, death and hang included. Raises OSError when the child cannot be started at all."""
        if self._process is None:
            self._start()
        try:
            self._connection.send(trial)
            if self._connection.poll(SECONDS + 5):
                outcome: Outcome = self._connection.recv()
                return outcome
        except (EOFError, OSError):
            pass
        return Outcome(self._end())

    def close(self) -> None:
        """Ends the child."""
        if self._process is not None:
            self._end()

    def _start(self) -> None:
        # The server forks children that have imported everything, and itself never starts a thread.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self._connection, theirs = context.Pipe()
        serving = partial(serve, theirs, self._load_rules, self._settings)
        process = context.Process(target=serving, name="trial", daemon=True)
        try:
            process.start()
        except (AttributeError, TypeError, pickle.PicklingError) as failure:
            raise OSError(f"a process to try envelopes in cannot be told what to do: {failure}") from failure
        finally:
            theirs.close()
        self._process = process
        try:
            if self._connection.poll(START_SECONDS):
                self._connection.recv()
                return
        except EOFError:
            pass
        raise OSError(f"a process to try envelopes in does not start: {self._end()}")

    def _end(self) -> str:
        """Makes sure that it is gone; how it ended, for people."""
        process, self._process = self._process, None
        self._connection.close()
        process.join(1)
        late: bool = process.is_alive()
        if late:
            process.kill()
            process.join()
        code: int = process.exitcode
        process.close()
        if late or code == -signal.SIGALRM:
            return f"did not end within {SECONDS:.0f} s"
        return f"ended its process by {signal.Signals(-code).name}" if code < 0 else f"ended its process ({code})"
