"""Which days of which organisations a job is about: a job in, the statement that asks for its slices out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from producers.control.bodies import EraseBody, RepairBody, ReplayBody
from producers.control.selection import EventKey
from stream_jobs.corrections.change import Correction
from stream_jobs.jobs.job import Job
from warehouse.control.selected import among, condition, instant
from warehouse.families import ROLLUP_TABLES
from warehouse.literals import quoted


def plan(
    job: Job, partition: int, first_whole_day: date | None = None, organizations: Sequence[str] | None = None
) -> str:
    """Asks for every day that holds an event of the job, or a row that is to be computed again.

    first_whole_day: days before it may lack events, which their sums would miss (rule E13); None: all are whole.
    organizations: these alone; None: all.
    """
    days = f"day >= '{first_whole_day}'" if first_whole_day else ""
    conditions = " AND ".join(filter(None, (days, _of(organizations))))
    kept = f" WHERE {conditions}" if conditions else ""
    return (
        "INSERT INTO repairs (repair_id, src_partition, organization, day, home, state, author, reason, message, "
        f"asked, version) SELECT {quoted(job.control_id)}, {partition}, organization, day, {job.home}, 'asked', 'job', "
        f"{quoted(job.kind)}, '', now64(3, 'UTC'), 1 FROM ({_days(job, partition)}){kept} GROUP BY organization, day"
    )


def left(job: Job, partition: int, first_whole_day: date, organizations: Sequence[str] | None = None) -> str:
    """Counts the events of the job on days that are not planned because they may lack others; not for erasures."""
    conditions = " AND ".join(filter(None, (f"day < '{first_whole_day}'", _of(organizations))))
    if isinstance(job.body, RepairBody | ReplayBody):
        met = _in_days(job, partition)
    else:
        met = concerned(job, _all_of(job), partition)
    return f"SELECT count() FROM usage_raw FINAL WHERE ({met}) AND {conditions}"


def concerned(job: Job, correction: Correction, partition: int, *, asked: bool = False) -> str:
    """The raw rows (FINAL) that a correction changes.

    asked: the statement is sent with a table `asked` that has the identities of events: then it names none itself,
    because beside a table a statement must be short.
    """
    if correction.selection is not None:
        return f"{job.in_partition(partition)} AND {condition(job.organization, correction.selection)}"
    times = sorted(event.time for event in correction.events)
    if asked:
        events = f"organization = {quoted(job.organization)} AND (time, event_id) IN (SELECT time, event_id FROM asked)"
    else:
        events = among(job.organization, correction.events)
    return f"{job.in_partition(partition)} AND {_between(times)} AND {events}"


def named(job: Job, events: Sequence[EventKey], partition: int) -> str:
    """(time in Unix ms, id) of those events that came before the record, whatever became of them."""
    times = sorted(event.time for event in events)
    return f"{_before(job, 'event_id_lookup FINAL', events, partition)} AND {_between(times)}"


def buried(job: Job, hashed: Sequence[EventKey], partition: int) -> str:
    """The same of events that are erased: (time in Unix ms, hash of the id), `hashed` having hashes for ids."""
    rows = "(SELECT organization, time, id_hash AS event_id, src_partition, src_offset FROM tombstones FINAL)"
    return _before(job, rows, hashed, partition)


def _before(job: Job, rows: str, events: Sequence[EventKey], partition: int) -> str:
    before = f" AND src_offset <= {job.offset}" if partition == job.home else ""
    return (
        f"SELECT toUnixTimestamp64Milli(time), event_id FROM {rows} "
        f"WHERE src_partition = {partition}{before} AND {among(job.organization, events)}"
    )


def anyway(job: Job) -> str:
    """Asks for the day of the record, of an organisation that is known: an erasure without a day of events has rows to
    remove all the same, and who counts must learn of it before."""
    return (
        "INSERT INTO repairs (repair_id, src_partition, organization, day, home, state, author, reason, message, "
        f"asked, version) SELECT {quoted(job.control_id)}, {job.home}, organization, toDate({instant(job.asked)}), "
        f"{job.home}, 'asked', 'job', {quoted(job.kind)}, '', now64(3, 'UTC'), 1 FROM organizations "
        f"WHERE organization = {quoted(job.organization)} GROUP BY organization"
    )


def _days(job: Job, partition: int) -> str:
    if isinstance(job.body, RepairBody | ReplayBody):
        where = f"WHERE {_in_days(job, partition)}"
        tables = [f"SELECT organization, day FROM {table} {where} AND grain != 'week'" for table in ROLLUP_TABLES]
        return " UNION ALL ".join([f"SELECT organization, day FROM usage_raw {where}", *tables])
    if isinstance(job.body, EraseBody):
        return (
            "SELECT organization, day FROM erased_events "
            f"WHERE control_id = toUUID({quoted(job.control_id)}) AND src_partition = {partition}"
        )
    return f"SELECT organization, day FROM usage_raw FINAL WHERE {concerned(job, _all_of(job), partition)}"


def _all_of(job: Job) -> Correction:
    """All events that the job is about, as if one thing were done to them: so that a thousand changes are one
    statement."""
    first, *others = job.corrections
    return replace(first, events=tuple(event for each in (first, *others) for event in each.events))


def _in_days(job: Job, partition: int) -> str:
    """Rows of the days that a repair or a replay names."""
    own = f" AND organization = {quoted(job.organization)}" if job.organization else ""
    last = f" AND day <= '{job.body.last}'" if isinstance(job.body, RepairBody) else ""
    assert isinstance(job.body, RepairBody | ReplayBody)
    return f"src_partition = {partition}{own} AND day >= '{job.body.first}'{last}"


def _of(organizations: Sequence[str] | None) -> str:
    if organizations is None:
        return ""
    return f"has([{', '.join(map(quoted, organizations))}], organization)" if organizations else "false"


def _between(times: Sequence[datetime]) -> str:
    """Lets the engine read no more of the sort key than it must."""
    return f"time >= {instant(times[0])} AND time <= {instant(times[-1])}"
