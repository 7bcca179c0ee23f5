"""The course of a job: planned, and done, failed or cancelled in the end. Blocking; one job at a time."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl
import structlog

from producers.control.bodies import EraseBody, ReplayBody
from producers.control.selection import EventKey
from producers.timeliness.rules import TimeRules
from stream_jobs.corrections.awaited import MET_BEFORE, Awaited, Identity, awaited_rows
from stream_jobs.erasure.erasure import Erasure
from stream_jobs.erasure.scope import Scope
from stream_jobs.jobs import planning
from stream_jobs.jobs.job import STATES, Job
from stream_jobs.worker import job_statements, statements
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.routing import Routing
from stream_jobs.worker.sink import Sink
from warehouse.literals import masked
from warehouse.queries.query import milliseconds

log = structlog.get_logger()
Met = deque[tuple[int, Identity, int]]
"""Log partition, who, and offset of the record."""


@dataclass(slots=True)
class Course:
    """What is noted of jobs in the warehouse."""

    sink: Sink
    repairs: Repairs
    erasure: Erasure
    times: TimeRules
    routing: Routing
    met: Met = field(default_factory=deque, init=False)
    """Events that are awaited no longer though memory still has them."""

    def fail(self, home: int, control_id: str, slices: int, why: str) -> None:
        """Ends a job that nobody can go on with."""
        said = masked(why)
        log.error("job failed", control_id=control_id, reason=said[:500])
        self.sink.command(job_statements.slices_given_up(control_id, home))
        self._note(home, control_id, "failed", slices, said)

    def withdrawn(self, job: Job, partitions: Sequence[int]) -> bool:
        """Ends a job that waits and is cancelled, unless some of it was begun: then its turn comes."""
        if self._has_begun(job):
            return False
        self.sink.command(job_statements.slices_cancelled(job.control_id, job.home))
        if self._has_begun(job):  # a former owner, in between
            return False
        if job.state == "asked":
            self._meet(job, partitions)
        self.end(job, [])
        return True

    def has_erased(self, job: Job) -> bool:
        """Whether it is an erasure that has begun: all of its events go with the first day, and every other day counts
        them until it is done. It cannot be cancelled any more."""
        return isinstance(job.body, EraseBody) and self._has_begun(job)

    def _has_begun(self, job: Job) -> bool:
        states = {row[0] for row in self.sink.rows(job_statements.slice_states(job.control_id, job.home))}
        return not states <= {"asked", "cancelled"}

    def plan(self, job: Job, partitions: Sequence[int]) -> Job:
        """Asks for its slices, and says what stays as it is; the job as it goes on."""
        if isinstance(job.body, EraseBody):
            self.erasure.begin(scope_of(job), job.body.user_id or "")
        whole = self.times.first_whole_day(job.asked)
        left = 0
        for number in partitions:
            whose = self._whose(job, number)
            self.sink.command(planning.plan(job, number, whole, whose))
            if whole is not None and not isinstance(job.body, EraseBody):
                left += int(self.sink.rows(planning.left(job, number, whole, whose))[0][0])
        message = self.times.left(left, whole) if left and whole else ""
        self._meet(job, partitions)
        slices = self._slices(job)
        if not slices and isinstance(job.body, EraseBody):
            self.sink.command(planning.anyway(job))
            slices = self._slices(job)
        self._note(job.home, job.control_id, "planned", slices, message)
        log.info("job planned", kind=job.kind, control_id=job.control_id, partition=job.home, slices=slices, left=left)
        return replace(job, state="planned", message=message)

    def _slices(self, job: Job) -> int:
        """How many are asked for."""
        return sum(count for _, count, _ in self.sink.rows(job_statements.slice_states(job.control_id, job.home)))

    def _whose(self, job: Job, number: int) -> list[str] | None:
        """Whose days of a partition the job plans: a record about all organisations comes to every partition, and only
        that of an organisation's own knows what is in force for it. None: of all that it is about."""
        if number == job.home or job.organization:
            return None
        names = pl.Series([row[0] for row in self.sink.rows(statements.known_organizations())], dtype=pl.String)
        return names.filter(self.routing.homes(names) == job.home).to_list() if len(names) else []

    def _meet(self, job: Job, partitions: Sequence[int]) -> None:
        """Events that are named and came before the record are awaited no longer."""
        changes = {
            (milliseconds(event.time), event.event_id.bytes): (event, correction.change)
            for correction in job.corrections
            for event in correction.events
        }
        events = [event for event, _ in changes.values()]
        erased = self._erased(job, events)
        ids = {key.event_id.bytes: event.event_id.bytes for key, event in erased.items()}
        entries: list[tuple[int, Identity, Awaited, int]] = []
        for number in partitions if events else ():
            found = self.sink.rows(planning.named(job, events, number))
            if erased:
                buried = self.sink.rows(planning.buried(job, list(erased), number))
                found += [(time_ms, ids[id_hash]) for time_ms, id_hash in buried]
            for time_ms, event_id in found:
                _, change = changes[time_ms, event_id]
                said = Awaited(job.offset, job.control_id, job.kind, change, job.version)
                entries.append((job.home, (job.organization, time_ms, event_id), said, MET_BEFORE))
        if entries:
            self.sink.insert("awaited_events", awaited_rows(entries))
            self.met.extend((number, identity, said.src_offset) for number, identity, said, _ in entries)

    def _erased(self, job: Job, events: Sequence[EventKey]) -> dict[EventKey, EventKey]:
        """The events by what they would be known as if they were erased; nothing where none was."""
        if not events or job.organization not in (tombstones := self.erasure.tombstones).organizations:
            return {}
        return tombstones.keys_of(job.organization, events)

    def end(self, job: Job, partitions: Sequence[int]) -> None:
        """Notes what became of it, when none of its slices is left."""
        if job.state == "asked":  # never planned: what came before its record is not awaited all the same
            self._meet(job, partitions)
        found = self.sink.rows(job_statements.slice_states(job.control_id, job.home))
        counts = {state: count for state, count, _ in found}
        failures = "; ".join(message for state, _, message in found if state == "failed")
        if isinstance(job.body, ReplayBody):
            for number in partitions:
                self.repairs.forget_built(job.control_id, job.home, number)
        if isinstance(job.body, EraseBody) and job.wanted != "cancel" and not failures:
            self.erasure.finish(scope_of(job), job.body.user_id or "", job.asked)
        elif isinstance(job.body, EraseBody) and job.wanted == "cancel":
            self.erasure.forget(scope_of(job))
        state = "cancelled" if job.wanted == "cancel" else "failed" if failures else "done"
        dropped = self._dropped(job) if state == "cancelled" else ""
        message = "; ".join(filter(None, (job.message, failures, dropped)))
        self._note(job.home, job.control_id, state, sum(counts.values()), message)
        log.info("job ended", kind=job.kind, control_id=job.control_id, partition=job.home, state=state, **counts)

    def _dropped(self, job: Job) -> str:
        """What a cancelled erasure has changed all the same: since its record nobody awaits what was awaited before."""
        if not isinstance(job.body, EraseBody):
            return ""
        [(count,)] = self.sink.rows(job_statements.dropped_corrections(job.home, job.organization, job.offset))
        if not count:
            return ""
        return f"{count} corrections of events to come are not awaited any more: ask for them again"

    def _note(self, home: int, control_id: str, state: str, slices: int, message: str = "") -> None:
        version = STATES.index(state) + 1
        self.sink.command(job_statements.job_noted(home, control_id, state, version, slices, message))

    def former(self, job: Job) -> list[int]:
        """Log partitions of earlier topic generations that belong to its own one."""
        return [row[0] for row in self.sink.rows(job_statements.former_partitions(job.home))]


def scope_of(job: Job) -> Scope:
    """What an erasing job removes."""
    assert isinstance(job.body, EraseBody)
    return Scope(job.control_id, job.organization, job.home, job.offset, job.body.user_id is None)
