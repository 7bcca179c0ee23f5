"""How a worker goes without one of the rules about control records (E14, E16, E19 to E25); for tests only."""

from collections.abc import Callable, Sequence
from typing import Any

from producers.control.record import read_record, signature
from stream_jobs.calendars.local_calendar import LocalCalendar
from stream_jobs.calendars.organization_calendar import OrganizationCalendar, Rule
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.erasure.erasure import Erasure
from stream_jobs.jobs import rewriting
from stream_jobs.pricing.load import newest_revision
from stream_jobs.rollups import repair
from stream_jobs.rollups.bundle import Bundle
from stream_jobs.worker import control, job_statements, rules, statements
from stream_jobs.worker.control import Controls
from stream_jobs.worker.course import Course
from stream_jobs.worker.repair import Repairs
from tests.chaos.replacing import replace
from warehouse.families import Family

NOTHING = " LIMIT 0"


def without_signature() -> None:
    """Whoever writes to the log may correct it (rule E19)."""
    replace(control, "read_record", lambda value, _, key, place: read_record(value, signature(value, key), key, place))


def without_repeats() -> None:
    """The same record again is done again (rule E19)."""

    async def never(*_: object) -> bool:
        return False

    replace(Controls, "_is_repeated", never)


def without_check_in_force() -> None:
    """Prices that the log does not know yet may be taken (rule E25)."""
    replace(Controls, "_check_in_force", lambda *_: None)


def without_final() -> None:
    """Repricing finds every version of an event that was ever written (rule E25)."""
    for name in ("to_price", "rewritten", "kept", "rows_per_quarter"):
        replace(rewriting, name, _without(" FINAL", getattr(rewriting, name)))


def with_revisions_of_the_start() -> None:
    """The newest revision when the process starts is in force (rule E21)."""
    replace(rules, "oldest_revision", newest_revision)
    replace(Controls, "_switch", lambda *_: None)


def without_awaited_events() -> None:
    """What is said of events that have not come is forgotten (rule E23)."""
    replace(Controls, "_await", lambda *_: None)


def with_switches_in_memory() -> None:
    """Which revision is in force is only known to the process (rule E21)."""
    _read_nothing("revisions_in_force")


def with_awaited_in_memory() -> None:
    """Which events are awaited is only known to the process (rule E23)."""
    _read_nothing("awaited_events")


def with_jobs_in_memory() -> None:
    """A job is done by the process that read its record, or by nobody (rule E20)."""
    known: list[str] = ["00000000-0000-0000-0000-000000000000"]
    made, open_jobs = control._job, job_statements.open_jobs

    def noted(partition: Any, record: Any, envelope: Any) -> Any:
        known.append(record.control_id)
        return made(partition, record, envelope)

    def mine(partitions: Sequence[int]) -> str:
        ids = ", ".join(f"toUUID('{each}')" for each in known)
        return open_jobs(partitions).replace(" ORDER BY", f" AND control_id IN ({ids}) ORDER BY")

    replace(control, "_job", noted)
    replace(job_statements, "open_jobs", mine)


def with_slices_in_memory() -> None:
    """How far a job is, only the process knows, until the job ends (rule E20)."""
    finished: list[tuple[Any, ...]] = []
    note, end, open_slices = Repairs._note, Course.end, job_statements.open_slices

    def remembered(self: Repairs, requests: Any, state: str, *more: Any, **events: Any) -> None:
        if state == "done":
            finished.append((self, requests, state, more, events))
        else:
            note(self, requests, state, *more, **events)

    def ended(self: Course, *job: Any) -> None:
        for repairs, requests, state, more, events in finished:
            note(repairs, requests, state, *more, **events)
        finished.clear()
        end(self, *job)

    def left(*asked: Any) -> str:
        done = [each for _, requests, *_ in finished for each in requests]
        places = ", ".join(f"('{each.organization}', '{each.day}')" for each in done)
        known = f" AND (organization, toString(day)) NOT IN ({places})" if places else ""
        return open_slices(*asked).replace(" ORDER BY", f"{known} ORDER BY")

    replace(Repairs, "_note", remembered)
    replace(Course, "end", ended)
    replace(job_statements, "open_slices", left)


def without_cut() -> None:
    """A day is summed from all raw events that are there, also from those beyond the slice's cut (rule E22)."""
    from_raw = repair._from_raw

    def summed(family: Family, work: Bundle, since: int, until: int) -> str:
        return from_raw(family, work, since, until).replace(f" AND src_offset <= {work.cut}", "")

    replace(repair, "_from_raw", summed)


def from_rollups() -> None:
    """A day is computed from the rows that are there (rule E22)."""

    def summed(family: Family, work: Bundle, since: int, until: int) -> str:
        values = ", ".join(f"{name} AS m{number}" for number, name in enumerate(family.measures))
        return (
            f"SELECT bucket AS quarter, hour, day, week, organization, {', '.join(family.dimensions)}, src_partition, "
            f"{values}, 0 AS stored FROM {family.table} FINAL WHERE grain = 'quarter' "
            f"AND {work.of_days('bucket', since, until)}"
        )

    replace(repair, "_from_raw", summed)


def without_zeros() -> None:
    """Rows whose last event has moved to another row stay as they were (rule E23)."""
    zeros = repair._zeros
    replace(repair, "_zeros", lambda *asked: f"{zeros(*asked)} AND 0")


def without_tombstones() -> None:
    """Nothing stays of erased events (rule E16)."""
    replace(Tombstones, "learn", lambda *_: None)


def without_second_sweep() -> None:
    """What is written late stays (rule E24)."""
    replace(Erasure, "sweep", lambda *_: 0)


def with_calendar_of_earlier_days() -> None:
    """Another calendar holds for the past too (rule E14)."""

    def change(self: OrganizationCalendar, start: int, calendar: LocalCalendar) -> None:
        self.rules = [Rule(start, calendar)]

    replace(OrganizationCalendar, "change", change)


def with_calendars_in_memory() -> None:
    """Whoever begins knows the first calendar only (rule E14)."""
    whole = statements.organizations
    replace(statements, "organizations", lambda names: f"{whole(names)} LIMIT 1 BY organization")


def with_begun_slices_cancelled() -> None:
    """Of a cancelled job nothing is done any more, also where some of it is (rule E20)."""
    cancelled = job_statements.slices_cancelled
    replace(
        job_statements,
        "slices_cancelled",
        lambda *asked: cancelled(*asked).replace("state = 'asked'", "state IN ('asked', 'running')"),
    )


def with_begun_erasures_cancelled() -> None:
    """An erasure may end when its events are gone and its days are not computed again (rule E24)."""
    replace(Course, "has_erased", lambda *_: False)


def _without(words: str, statement: Callable[..., str]) -> Callable[..., str]:
    return lambda *asked: statement(*asked).replace(words, "")


def _read_nothing(name: str) -> None:
    whole = getattr(statements, name)
    replace(statements, name, lambda *asked: whole(*asked) + NOTHING)


CONTROL_RULES: dict[str, Callable[[], None]] = {
    "signature": without_signature,
    "repeated-records": without_repeats,
    "only-in-force": without_check_in_force,
    "reprice-reads-final": without_final,
    "revision-from-the-log": with_revisions_of_the_start,
    "awaited-events": without_awaited_events,
    "stored-switches": with_switches_in_memory,
    "stored-awaited-events": with_awaited_in_memory,
    "stored-jobs": with_jobs_in_memory,
    "stored-slices": with_slices_in_memory,
    "raw-up-to-the-cut": without_cut,
    "rows-from-raw": from_rollups,
    "emptied-rows": without_zeros,
    "tombstones": without_tombstones,
    "second-sweep": without_second_sweep,
    "calendar-of-its-time": with_calendar_of_earlier_days,
    "stored-calendars": with_calendars_in_memory,
    "whole-slices": with_begun_slices_cancelled,
    "whole-erasures": with_begun_erasures_cancelled,
}
"""What can be switched off, by the name of what then is missing."""
