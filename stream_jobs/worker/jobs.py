"""The jobs of this worker's partitions: which slice is next. Blocking; one at a time.

Jobs that may be about the same events follow each other in the order of their records, also when an earlier one is
paused; one that is cancelled before it began waits for nobody. All others take turns, slice by slice.
"""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

import structlog

from producers.control.bodies import EraseBody
from producers.timeliness.rules import TimeRules
from stream_jobs.erasure.erasure import Erasure
from stream_jobs.errors import JobRefused
from stream_jobs.jobs.job import Job
from stream_jobs.worker import job_statements, statements
from stream_jobs.worker.books import Books
from stream_jobs.worker.course import Course, Met, scope_of
from stream_jobs.worker.metrics import Metrics
from stream_jobs.worker.poison.job_attempts import JobAttempts
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.requests import MOST_SLICES, Place, Request, Requests, bundles, together
from stream_jobs.worker.rewriter import Rewriter, revisions_of
from stream_jobs.worker.routing import Routing
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.sweeps import Sweeps
from warehouse.errors import WarehouseError, WarehouseRefused, WarehouseStrained
from warehouse.literals import masked

log = structlog.get_logger()
LOOK_SECONDS = 2.0
"""Between looks for new jobs and orders."""
SLICES_AHEAD = 2 * MOST_SLICES
"""What a look finds of a job at most: one that is alone does not wait for the next look."""
JOBS_AT_ONCE = 10
"""Of which a look finds slices; the others come first in the next ones."""
FAILURES = (WarehouseRefused, WarehouseStrained, JobRefused)
"""What ends a slice or a job, and not the worker."""
PUT_OFF_SECONDS = 60.0
"""How long an erasure rests that the warehouse could not do."""


@dataclass(frozen=True, slots=True)
class Work:
    """Slices that are done together, and the job they belong to; None: somebody asked for them without a job."""

    requests: Requests
    job: Job | None = None


@dataclass(slots=True)
class Jobs:
    """Knows what is next; the foreman does it."""

    sink: Sink
    repairs: Repairs
    books: Books
    erasure: Erasure
    times: TimeRules
    metrics: Metrics
    attempts: JobAttempts
    onlooker: Sink
    """For looks at what is to be done, which must not keep a worker alive that hangs (rule E28)."""
    routing: Routing
    sweeps: Sweeps = field(init=False)
    course: Course = field(init=False)
    told: dict[str, int] = field(default_factory=dict, init=False)
    """How many jobs are open, and how many of their slices are left, at the last look."""
    forgotten: int = field(default=0, init=False)
    """How often the partitions changed: what is found in those of before is not done in those of after."""
    _next: float = field(default=0.0, init=False)
    _ready: deque[Work] = field(default_factory=deque, init=False)
    _found_or_forgotten: threading.Lock = field(default_factory=threading.Lock, init=False)
    _rewriter: Rewriter = field(init=False)
    _turns: dict[tuple[int, str], int] = field(default_factory=dict, init=False)
    """When a slice of an open job was last given out, or the job first seen: a count of slices, by home and id."""
    _given: int = field(default=0, init=False)
    _removed: set[str] = field(default_factory=set, init=False)
    """Erasures whose events this process has removed."""
    _set_aside: dict[str, float] = field(default_factory=dict, init=False)
    """Until when jobs are left alone, by control id."""
    _events: dict[tuple[str, Place], int] = field(default_factory=dict, init=False)
    """Raw events of days that open jobs have still to do, by job; counted once."""
    _one_by_one: set[str] = field(default_factory=set, init=False)
    """What failed together is tried slice by slice: control ids, until the process ends."""

    def __post_init__(self) -> None:
        self.sweeps = Sweeps(self.onlooker, self.erasure, self.times)
        self.course = Course(self.sink, self.repairs, self.erasure, self.times, self.routing)
        self._rewriter = Rewriter(self.sink, self.books)

    @property
    def met(self) -> Met:
        """Events that are awaited no longer though memory still has them."""
        return self.course.met

    def due(self) -> bool:
        """Whether a slice is known or it is time to look for one."""
        return bool(self._ready) or time.monotonic() >= self._next

    def next(self, applied: Mapping[int, int], forgotten: int) -> Work | None:
        """The next slice. applied: of each partition of this worker. forgotten: when they were; None when it is more
        in the end."""
        found = self._found(applied, forgotten) if time.monotonic() >= self._next else None
        with self._found_or_forgotten:
            if forgotten != self.forgotten:
                return None
            if found is not None:
                self._ready = deque(found)
                self._next = time.monotonic() + LOOK_SECONDS
            work = self._ready.popleft() if self._ready else None
            if work is not None and work.job is not None:
                self._given += 1
                self._turns[_key(work.job)] = self._given
            return work

    def forget(self) -> None:
        """What was found is found again: the partitions have changed, and their former owners may write late. A look
        that is going on finds nothing."""
        with self._found_or_forgotten:
            self.forgotten += 1
            self._ready.clear()
            self._next = 0.0
        self.sweeps.again()

    def puts_off(self, job: Job | None, refused: Exception) -> bool:
        """Whether the job is tried again later instead of failing: an erasure that the warehouse could not do. Its
        events are gone with the first day, and every other day counts them until it is done."""
        if job is None or job.kind != "erase" or not isinstance(refused, WarehouseError):
            return False
        log.error("an erasure is put off", control_id=job.control_id, reason=masked(str(refused))[:500])
        self.set_aside(job.control_id, PUT_OFF_SECONDS)
        return True

    def set_aside(self, control_id: str, seconds: float) -> None:
        """Leaves a job, or what was asked for without one, alone for so long."""
        self._set_aside[control_id] = time.monotonic() + seconds
        self._ready = deque(work for work in self._ready if work.requests[0].repair_id != control_id)

    def do_one_by_one(self, control_id: str) -> None:
        """What a job had in work failed, and only some of it may be to blame."""
        log.warning("slices are done one by one: together they failed", control_id=control_id)
        self._one_by_one.add(control_id)
        self.set_aside(control_id, 0.0)
        self._next = 0.0

    def rewrite(self, work: Work, rest: Callable[[float], None]) -> int:
        """Writes the raw events of the slices anew; returns how many. Raises JobRefused when they must not become so.

        rest: called between two spans with the seconds that the last one took.
        """
        if work.job is None:
            return 0
        if isinstance(work.job.body, EraseBody):
            return self._erased(work.job)
        return self._rewriter.rewrite(work.job, self.repairs.bundle_of(work.requests, -1), rest)

    def learn(self) -> None:
        """Erased events are known from now on; nothing may be taken meanwhile."""
        self.erasure.tombstones.learn(self.sink.rows(statements.tombstoned_organizations()))

    def _erased(self, job: Job) -> int:
        """All of the job's events with its first slice; how many they are."""
        if job.control_id in self._removed:
            return 0
        assert isinstance(job.body, EraseBody)
        self.erasure.begin(scope_of(job), job.body.user_id or "")  # a restored warehouse may lack what was noted
        self.erasure.remove_events(scope_of(job))
        self._removed.add(job.control_id)
        return self.erasure.events(scope_of(job))

    def _found(self, applied: Mapping[int, int], forgotten: int) -> list[Work]:
        if not applied:
            return []
        try:
            self.sweeps.turn(list(applied))
        except FAILURES as refused:  # looked at again; an erasure that is not complete is told by `tally control show`
            log.error("an erasure could not be swept again", reason=masked(str(refused))[:500])
        requested = self.repairs.requested(list(applied), self.onlooker)
        alone = self._bundles([each for each in requested if not self._rests(each.repair_id)][:SLICES_AHEAD])
        rows = self.onlooker.rows(job_statements.open_jobs(list(applied)))
        wanted = dict(self.onlooker.rows(job_statements.job_orders([row[1] for row in rows]))) if rows else {}
        jobs = [job for row in rows if (job := self._read(row, wanted)) and job.offset <= applied[job.home]]
        earlier: dict[int, list[Job]] = defaultdict(list)
        of_jobs: list[list[Work]] = []
        for job in self._in_turn(jobs):
            if forgotten != self.forgotten:
                return []
            rests = self._rests(job.control_id) or self.attempts.rest_seconds("job", job.home, job.control_id) > 0
            waits = rests or len(of_jobs) >= JOBS_AT_ONCE or any(job.meets(other) for other in earlier[job.home])
            if waits and job.wanted != "cancel":
                earlier[job.home].append(job)
                continue
            try:
                with self.attempts.at("job", job.home, job.control_id):
                    slices, is_over = self._withdrawn(job, applied) if waits else self._advanced(job, list(applied))
            except FAILURES as refused:
                slices, is_over = [], not self.puts_off(job, refused)
                if is_over:
                    self.course.fail(job.home, job.control_id, job.slices, str(refused))
            if slices:
                of_jobs.append(slices)
            if not is_over:
                earlier[job.home].append(job)
        found = [work for round_ in zip_longest(alone, *of_jobs) for work in round_ if work is not None]
        left = {work.requests[0].repair_id for work in found}
        self._events = {key: count for key, count in self._events.items() if key[0] in left}
        self._tell(sum(map(len, earlier.values())), list(applied))
        states = [states_of(job) for jobs in earlier.values() for job in jobs]
        self.books.for_jobs((prices for prices, _ in states), (multipliers for _, multipliers in states))
        return found

    def _read(self, row: tuple[Any, ...], wanted: Mapping[str, str]) -> Job | None:
        try:
            return Job.read(row, wanted.get(row[1], "run"))
        except JobRefused as refused:
            self.course.fail(row[0], row[1], row[9], str(refused))
            return None

    def _rests(self, control_id: str) -> bool:
        return time.monotonic() < self._set_aside.get(control_id, 0.0)

    def _in_turn(self, jobs: Sequence[Job]) -> list[Job]:
        """Those first whose last slice is longest ago. Jobs that meet stay in the order of their records, because each
        comes no earlier than those which it waits for."""
        self._turns = {_key(job): self._turns.get(_key(job), self._given) for job in jobs}
        turns: dict[tuple[int, str], int] = {}
        latest: dict[int, dict[str, int]] = defaultdict(dict)
        for job in jobs:
            known = latest[job.home]
            met = (known.get(job.organization, 0), known.get("", 0)) if job.organization else known.values()
            turns[_key(job)] = known[job.organization] = max(self._turns[_key(job)], *met, 0)
        return sorted(jobs, key=lambda job: turns[_key(job)])

    def _tell(self, jobs: int, partitions: Sequence[int]) -> None:
        slices_left = int(self.onlooker.rows(job_statements.slices_left(partitions))[0][0]) if jobs else 0
        self.told.update(open=jobs, slices_left=slices_left)
        self.metrics.open_jobs.set(jobs)
        self.metrics.slices_left.set(slices_left)

    def _withdrawn(self, job: Job, mine: Iterable[int]) -> tuple[list[Work], bool]:
        """No slices, and whether a cancelled job that waits is over."""
        return [], self.course.withdrawn(job, self._partitions(job, mine))

    def _partitions(self, job: Job, mine: Iterable[int]) -> list[int]:
        """Log partitions that may hold the job's events."""
        return job.partitions([*mine, *self.course.former(job)])

    def _advanced(self, job: Job, mine: Sequence[int]) -> tuple[list[Work], bool]:
        """The job's next slices and whether it is over; plans it first, and ends it when none is left."""
        if job.wanted == "cancel" and self.course.has_erased(job):
            job = replace(job, wanted="run")
        if job.wanted == "cancel":
            self.sink.command(job_statements.slices_cancelled(job.control_id, job.home))
        elif job.wanted == "pause":
            return [], False
        partitions = self._partitions(job, mine)
        if job.state == "asked" and job.wanted != "cancel":
            job = self.course.plan(job, partitions)
        asked = job_statements.open_slices(job.control_id, job.home, partitions, SLICES_AHEAD)
        found = self._bundles([Request(*row) for row in self.sink.rows(asked)], job)
        if not found:
            self.course.end(job, partitions)
        return found, not found

    def _bundles(self, requests: Sequence[Request], job: Job | None = None) -> list[Work]:
        """What is done together of a job's slices, or of those that belong to none."""
        if len(requests) > 1:
            self._count(requests)
        events = {place: count for (_, place), count in self._events.items()}
        return [
            Work(part, job)
            for bundle in bundles(requests, events)
            for part in (((each,) for each in bundle) if self._fails_together(bundle[0]) else (bundle,))
        ]

    def _fails_together(self, request: Request) -> bool:
        return request.repair_id in self._one_by_one or self.attempts.is_deadly(*together(request))

    def _count(self, requests: Sequence[Request]) -> None:
        """Learns how many raw events the days have."""
        unknown: dict[int, list[Request]] = defaultdict(list)
        for each in requests:
            if (each.repair_id, each.place) not in self._events:
                unknown[each.src_partition].append(each)
        for number, those in unknown.items():
            days = sorted({(each.organization, each.day) for each in those})
            counts = {row[:2]: row[2] for row in self.onlooker.rows(job_statements.events_of_days(number, days))}
            for each in those:
                self._events[each.repair_id, each.place] = counts.get((each.organization, each.day), 0)


def _key(job: Job) -> tuple[int, str]:
    return job.home, job.control_id


def states_of(job: Job) -> tuple[int, int]:
    """The states that a job looks things up in: what is billed follows the terms in force at its record where the
    credits stay."""
    prices, multipliers = revisions_of(job)
    return prices, job.multipliers if multipliers is None else multipliers
