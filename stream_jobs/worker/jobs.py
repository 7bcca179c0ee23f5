"""The jobs of this worker's partitions: which slice is next, and the raw events it rewrites. Blocking; one at a time.

Jobs that may be about the same events follow each other in the order of their records, also when an earlier one is
paused. Rewriting raw events goes on beside the stream: it changes nothing that a take reads.
"""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
import structlog

from producers.control.bodies import EraseBody, ReplayBody, RepriceBody
from producers.timeliness.rules import TimeRules
from stream_jobs.calendars.local_calendar import QUARTER_SECONDS
from stream_jobs.control.repriced import NEEDED, repriced
from stream_jobs.corrections.awaited import MET_BEFORE, Awaited, Identity, awaited_rows
from stream_jobs.corrections.change import Correction
from stream_jobs.erasure.erasure import Erasure
from stream_jobs.erasure.statements import Scope
from stream_jobs.erasure.sweep import Sweep
from stream_jobs.errors import JobRefused
from stream_jobs.jobs import planning, rewriting
from stream_jobs.jobs.job import STATES, Job
from stream_jobs.pricing.price_book import exceeds_cost_bound
from stream_jobs.rollups.repair import Slice
from stream_jobs.rollups.spans import parts
from stream_jobs.worker import statements
from stream_jobs.worker.books import Books
from stream_jobs.worker.metrics import Metrics
from stream_jobs.worker.repair import Repairs, Request
from stream_jobs.worker.sink import Sink
from warehouse.errors import WarehouseRefused, WarehouseStrained

log = structlog.get_logger()
LOOK_SECONDS = 2.0
"""Between looks for new jobs and orders."""
SLICES_AHEAD = 100
SWEEP_LOOK_SECONDS = 5.0
ERASURE = (
    *("control_id", "organization", "home", "offset", "user_hash", "certificate", "asked", "due", "version", "state"),
)
"""What `due_erasures` gives."""
REWRITTEN_AT_ONCE = 100_000
"""Raw events that one statement writes anew."""
FAILURES = (WarehouseRefused, WarehouseStrained, JobRefused)
"""What ends a slice or a job, and not the worker."""
TIMES = 5
"""How often a span is gone through until nothing is left of it."""


@dataclass(frozen=True, slots=True)
class Work:
    """A slice, and the job it belongs to; None: somebody asked for it without a job."""

    request: Request
    job: Job | None = None


@dataclass(slots=True)
class Jobs:
    """Knows what is next; the foreman does it."""

    sink: Sink
    repairs: Repairs
    books: Books
    markup_ppm: Mapping[str, int]
    erasure: Erasure
    times: TimeRules
    metrics: Metrics
    onlooker: Sink | None = None
    """For looks at what is to be done, which must not keep a worker alive that hangs (rule E28)."""
    told: dict[str, int] = field(default_factory=dict, init=False)
    """How many jobs are open, and how many of their slices are left, at the last look."""
    _next: float = field(default=0.0, init=False)
    _ready: deque[Work] = field(default_factory=deque, init=False)
    _next_sweep: float = field(default=0.0, init=False)
    _sweeps_again: deque[float] = field(default_factory=lambda: deque([0.0]), init=False)
    """When completed erasures are swept once more."""
    _removed: set[str] = field(default_factory=set, init=False)
    """Erasures whose events this process has removed."""
    _columns: list[str] = field(default_factory=list, init=False)

    def due(self) -> bool:
        """Whether a slice is known or it is time to look for one."""
        return bool(self._ready) or time.monotonic() >= self._next

    def next(self, applied: Mapping[int, int]) -> Work | None:
        """The next slice. applied: of each partition of this worker."""
        if time.monotonic() >= self._next:
            self._ready = deque(self._found(applied))
            self._next = time.monotonic() + LOOK_SECONDS
        return self._ready.popleft() if self._ready else None

    def forget(self) -> None:
        """What was found is found again: the partitions have changed, and their former owners may write late."""
        self._ready.clear()
        self._next = 0.0
        self._sweeps_again = deque([0.0, time.monotonic() + self.erasure.sweep_after.total_seconds()])

    def rewrite(self, work: Work, rest: Callable[[float], None]) -> int:
        """Writes the slice's raw events anew; returns how many. Raises JobRefused when they must not become so.

        rest: called between two spans with the seconds that the last one took.
        """
        if work.job is None:
            return 0
        if isinstance(work.job.body, EraseBody):
            return self._erased(work.job)
        job, slice_ = work.job, self.repairs.slice_of(work.request, -1)
        return sum(self._corrected(job, correction, slice_, rest) for correction in job.corrections)

    def learn(self) -> None:
        """Erased events are known from now on; nothing may be taken meanwhile."""
        self.erasure.tombstones.learn(self.sink.rows(statements.tombstoned_organizations()))

    def _erased(self, job: Job) -> int:
        """All of the job's events with its first slice."""
        if job.control_id in self._removed:
            return 0
        assert isinstance(job.body, EraseBody)
        self.erasure.begin(scope_of(job), job.body.user_id or "")  # a restored warehouse may lack what was noted
        self._removed.add(job.control_id)
        return self.erasure.remove_events(scope_of(job))

    @property
    def _eyes(self) -> Sink:
        return self.onlooker or self.sink

    def _sweep(self, partitions: Sequence[int]) -> None:
        """Erasures whose time has come are swept again."""
        self._sweep_completed(partitions)
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + SWEEP_LOOK_SECONDS
        for found in self._eyes.rows(statements.due_erasures(partitions)):
            row = dict(zip(ERASURE, found, strict=True))
            scope = Scope(row["control_id"], row["organization"], row["home"], row["offset"], not row["user_hash"])
            if row["state"] == "erased":
                self.erasure.sweep_again(scope, row)
            else:
                self.erasure.complete(scope, row)

    def _sweep_completed(self, partitions: Sequence[int]) -> None:
        """After a takeover, at once and when everything that was on its way has come: beside the stream, so that no
        partition waits for it."""
        if not self._sweeps_again or time.monotonic() < self._sweeps_again[0]:
            return
        self._sweeps_again.popleft()
        swept = Sweep(self.erasure).turn(self._eyes.rows(statements.complete_erasures(partitions)))
        if not swept.is_clean:
            self._sweeps_again.appendleft(time.monotonic() + SWEEP_LOOK_SECONDS)

    def _found(self, applied: Mapping[int, int]) -> list[Work]:
        if not applied:
            return []
        try:
            self._sweep(list(applied))
        except FAILURES as refused:  # looked at again; an erasure that is not complete is told by `tally control show`
            log.error("an erasure could not be swept again", reason=str(refused)[:500])
        found = [Work(Request(*row)) for row in self._eyes.rows(statements.open_repairs(list(applied)))]
        rows = self._eyes.rows(statements.open_jobs(list(applied)))
        wanted = dict(self._eyes.rows(statements.job_orders([row[1] for row in rows]))) if rows else {}
        earlier: dict[int, list[Job]] = defaultdict(list)
        for row in rows:
            job = Job.read(row, wanted.get(row[1], "run"))
            if job.offset > applied[job.home]:
                continue
            if any(job.meets(other) for other in earlier[job.home]) or len(found) >= SLICES_AHEAD:
                earlier[job.home].append(job)
                continue
            try:
                slices, is_over = self._advanced(job, list(applied))
            except FAILURES as refused:
                log.error("job failed", kind=job.kind, control_id=job.control_id, reason=str(refused)[:500])
                self._note(job, "failed", job.slices, str(refused))
                slices, is_over = [], True
            found += slices
            if not is_over:
                earlier[job.home].append(job)
        self._tell(sum(map(len, earlier.values())), list(applied))
        return found

    def _tell(self, jobs: int, partitions: Sequence[int]) -> None:
        slices_left = int(self._eyes.rows(statements.slices_left(partitions))[0][0]) if jobs else 0
        self.told.update(open=jobs, slices_left=slices_left)
        self.metrics.open_jobs.set(jobs)
        self.metrics.slices_left.set(slices_left)

    def _advanced(self, job: Job, mine: Sequence[int]) -> tuple[list[Work], bool]:
        """The job's next slices and whether it is over; plans it first, and ends it when none is left."""
        if job.wanted == "cancel":
            self.sink.command(statements.slices_cancelled(job.control_id, job.home))
        elif job.wanted == "pause":
            return [], False
        partitions = job.partitions([*mine, *self._former(job)])
        if job.state == "asked" and job.wanted != "cancel":
            self._plan(job, partitions)
        asked = statements.open_slices(job.control_id, job.home, partitions, SLICES_AHEAD)
        found = [Work(Request(*row), job) for row in self.sink.rows(asked)]
        if not found:
            self._end(job, partitions)
        return found, not found

    def _plan(self, job: Job, partitions: Sequence[int]) -> None:
        if isinstance(job.body, EraseBody):
            self.erasure.begin(scope_of(job), job.body.user_id or "")
        for number in partitions:
            self.sink.command(planning.plan(job, number, self.times.first_whole_day(job.asked)))
        self._meet(job, partitions)
        slices = sum(count for _, count, _ in self.sink.rows(statements.slice_states(job.control_id, job.home)))
        self._note(job, "planned", slices)
        log.info("job planned", kind=job.kind, control_id=job.control_id, partition=job.home, slices=slices)

    def _meet(self, job: Job, partitions: Sequence[int]) -> None:
        """Events that are named and came before the record are awaited no longer."""
        entries: list[tuple[int, Identity, Awaited, int]] = []
        for correction in job.corrections:
            said = Awaited(job.offset, job.control_id, job.kind, correction.change, job.version)
            for number in partitions if correction.events else ():
                stored = self.sink.rows(planning.named(job, correction, number))
                entries += [(job.home, (job.organization, *each), said, MET_BEFORE) for each in stored]
        if entries:
            self.sink.insert("awaited_events", awaited_rows(entries))

    def _end(self, job: Job, partitions: Sequence[int]) -> None:
        found = self.sink.rows(statements.slice_states(job.control_id, job.home))
        counts = {state: count for state, count, _ in found}
        failures = "; ".join(message for state, _, message in found if state == "failed")
        if isinstance(job.body, ReplayBody):
            for number in partitions:
                self.repairs.forget_built(number)
        if isinstance(job.body, EraseBody) and job.wanted != "cancel" and not failures:
            self.erasure.finish(scope_of(job), job.body.user_id or "", job.asked)
        state = "cancelled" if job.wanted == "cancel" else "failed" if failures else "done"
        self._note(job, state, sum(counts.values()), failures)
        log.info("job ended", kind=job.kind, control_id=job.control_id, partition=job.home, state=state, **counts)

    def _note(self, job: Job, state: str, slices: int, message: str = "") -> None:
        version = STATES.index(state) + 1
        self.sink.command(statements.job_noted(job.home, job.control_id, state, version, slices, message))

    def _former(self, job: Job) -> list[int]:
        return [row[0] for row in self.sink.rows(statements.former_partitions(job.home))]

    def _corrected(self, job: Job, correction: Correction, work: Slice, rest: Callable[[float], None]) -> int:
        """Goes through the day until nothing is left: what another owner deletes beside us is computed again."""
        total = 0
        for _ in range(TIMES):
            quarters = self.sink.rows(rewriting.rows_per_quarter(job, correction, work))
            if not quarters:
                return total
            for since, until in parts(quarters, REWRITTEN_AT_ONCE):
                began = time.monotonic()
                self._rewritten(job, correction, work, since, until)
                rest(time.monotonic() - began)
            if correction.change.reprices:
                self.sink.command(rewriting.prices_forgotten(job, work))
            total += sum(count for _, count in quarters)
        raise JobRefused(f"events of {work.organization} on {work.day} are not rewritten after {TIMES} attempts")

    def _rewritten(self, job: Job, correction: Correction, work: Slice, since: int, until: int) -> None:
        """Writes [since, until) anew: half of it at a time when it is too much at once, down to a quarter hour."""
        try:
            if correction.change.reprices:
                self._price(job, correction, work, since, until)
            self.sink.derive(rewriting.kept(job, correction, work, since, until))
            self.sink.derive(rewriting.rewritten(self._raw_columns(), job, correction, work, since, until))
        except WarehouseStrained:
            middle = since + (until - since) // 2 // QUARTER_SECONDS * QUARTER_SECONDS
            if middle == since:
                raise
            self._rewritten(job, correction, work, since, middle)
            self._rewritten(job, correction, work, middle, until)

    def _price(self, job: Job, correction: Correction, work: Slice, since: int, until: int) -> None:
        """Computes what the events cost and leaves it for the statement that writes them."""
        frame = self.sink.frame(rewriting.to_price(job, correction, work, since, until))
        if frame.is_empty():
            return
        names = {f"new_{name}": name for name in NEEDED} | {"quantities_text": "quantities"}
        prices, multipliers = revisions_of(job)
        self.books.need([prices], [] if multipliers is None else [multipliers])
        priced = repriced(
            rewriting.as_born(frame.rename(names)),
            self.books.prices[prices],
            None if multipliers is None else self.books.multipliers[multipliers],
            self.markup_ppm,
        )
        if exceeds_cost_bound(priced).any():
            raise JobRefused("an event would cost more than 1,000,000 USD: check the unit of the prices or tokens")
        self.sink.insert(
            "repriced_events",
            priced.select(*rewriting.IDENTITY, *rewriting.PRICED).with_columns(
                pl.lit(work.src_partition, pl.UInt16).alias("src_partition"),
                pl.lit(job.control_id).alias("control_id"),
            ),
        )

    def _raw_columns(self) -> list[str]:
        if not self._columns:
            self._columns = [row[0] for row in self.sink.rows(rewriting.RAW_COLUMNS)]
        return self._columns


def revisions_of(job: Job) -> tuple[int, int | None]:
    """Prices and multipliers that a job computes with; None: the credits stay as they are."""
    if isinstance(job.body, RepriceBody):
        return job.body.prices, job.body.multipliers
    return job.prices, job.multipliers


def scope_of(job: Job) -> Scope:
    """What an erasing job removes."""
    assert isinstance(job.body, EraseBody)
    return Scope(job.control_id, job.organization, job.home, job.offset, job.body.user_id is None)
