"""The SQL of jobs: slices in `repairs`, jobs, their orders and erasures. Values in, text out."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from stream_jobs.erasure.statements import registered
from stream_jobs.jobs.job import COLUMNS as JOB_COLUMNS
from stream_jobs.rollups.bundle import Bundle
from stream_jobs.worker.statements import listed
from warehouse.literals import quoted
from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.set_apart import not_set_apart

CANCELLED: Final = 3
"""By how much the version of a slice's row rises when it is cancelled: above that of whoever begins it meanwhile."""
SLICE: Final = "repair_id, src_partition, organization, day, home, epoch, cut, events, author, reason, message, asked"
"""What a slice's row carries on from version to version."""


def open_repairs(partitions: Sequence[int], *, begun_only: bool = False) -> str:
    """Requested slices that are not done, oldest first, in the order of the fields of Request.

    begun_only: those of which rows may be written, of jobs too; otherwise those that belong to no job.
    """
    wanted = "state = 'running' AND epoch > 0" if begun_only else "state IN ('asked', 'running') AND home = -1"
    return (
        "SELECT repair_id, src_partition, organization, day, version FROM repairs FINAL "
        f"WHERE src_partition IN ({listed(partitions)}) AND {wanted} "
        "ORDER BY asked, repair_id, src_partition, organization, day"
    )


def open_slices(control_id: str, home: int, partitions: Sequence[int], limit: int) -> str:
    """The next slices of a job in these partitions, in the order of the fields of Request."""
    return (
        "SELECT repair_id, src_partition, organization, day, version FROM repairs FINAL "
        f"WHERE {_slices(control_id, home)} AND src_partition IN ({listed(partitions)}) "
        f"AND state IN ('asked', 'running') ORDER BY src_partition, organization, day LIMIT {limit}"
    )


def slice_states(control_id: str, home: int) -> str:
    """(state, slices, a message) of a job."""
    return (
        "SELECT toString(state), toInt64(count()), max(message) FROM repairs FINAL "
        f"WHERE {_slices(control_id, home)} GROUP BY state"
    )


def slices_left(homes: Sequence[int]) -> str:
    """How many slices the jobs of these partitions have still to do: one number."""
    return (
        f"SELECT toInt64(count()) FROM repairs FINAL WHERE home IN ({listed(homes)}) AND state IN ('asked', 'running')"
    )


def slices_cancelled(control_id: str, home: int) -> str:
    """Cancels what no slice of a job has begun. One that was begun is ended by its owner."""
    return (
        f"INSERT INTO repairs ({SLICE}, state, version) SELECT {SLICE}, 'cancelled', version + {CANCELLED} "
        f"FROM repairs FINAL WHERE {_slices(control_id, home)} AND state = 'asked'"
    )


def slices_given_up(control_id: str, home: int) -> str:
    """Ends the slices of a job that failed as a whole: what none has begun is cancelled, what one has begun failed, so
    that their days are compared again."""
    return (
        f"INSERT INTO repairs ({SLICE}, state, version) "
        f"SELECT {SLICE}, if(state = 'asked', 'cancelled', 'failed'), version + {CANCELLED} "
        f"FROM repairs FINAL WHERE {_slices(control_id, home)} AND state IN ('asked', 'running')"
    )


def _slices(control_id: str, home: int) -> str:
    return f"repair_id = {quoted(control_id)} AND home = {home}"


def built_forgotten(table: str, control_id: str, home: int, partition: int) -> str:
    """Removes what the slices of a job have built beside the rows in use, in one partition."""
    whose = f"SELECT organization FROM repairs WHERE {_slices(control_id, home)} AND src_partition = {partition}"
    return f"DELETE FROM {table} WHERE src_partition = {partition} AND organization IN ({whose})"


def slices_claimed(repair_id: str, work: Bundle, version: int) -> str:
    """Notes that somebody begins slices, whose raw events come first; nothing of one that is over, nor of one that was
    begun before: since when it has stood still can be told."""
    return (
        f"INSERT INTO repairs ({SLICE}, state, version) SELECT {SLICE}, 'running', {version} FROM repairs FINAL "
        f"WHERE {work.of(repair_id)} AND state = 'asked' AND version < {version}"
    )


def slices_running(repair_id: str, work: Bundle) -> str:
    """(organization, day) of the slices that are begun and not over."""
    return f"SELECT toString(organization), day FROM repairs FINAL WHERE {work.of(repair_id)} AND state = 'running'"


def events_of_days(partition: int, days: Sequence[tuple[str, date]]) -> str:
    """(organization, day, raw rows) of days, of those that have any; old versions counted in."""
    pairs = ", ".join(f"({quoted(organization)}, {quoted(str(day))})" for organization, day in days)
    organizations = sorted({organization for organization, _ in days})
    return (
        f"SELECT toString(organization), day, toInt64(count()) FROM usage_raw WHERE src_partition = {partition} "
        f"AND organization IN ({listed(organizations)}) AND (organization, day) IN ({pairs}) GROUP BY organization, day"
    )


def rewritten_events(repair_id: str, work: Bundle) -> str:
    """(organization, day, raw events) that a job has rewritten, whoever did it, where it has any."""
    return (
        "SELECT toString(organization), day, toInt64(uniqExact(time, event_id)) FROM corrections "
        f"WHERE {work.of_days('time')} AND control_id = toUUIDOrZero({quoted(repair_id)}) GROUP BY organization, day"
    )


def slices_noted(
    repair_id: str, work: Bundle, state: str, message: str, version: int, events: Mapping[tuple[str, date], int]
) -> str:
    """Writes the next version of the slices' rows, unless another is as new. events: raw events that each rewrote."""
    told = ", ".join(f"{quoted(f'{day} {name}')}, {count}" for (name, day), count in sorted(events.items()) if count)
    counted = f"map({told})[concat(toString(day), ' ', organization)]" if told else "0"
    return (
        "INSERT INTO repairs (repair_id, src_partition, organization, day, home, state, epoch, cut, events, author, "
        "reason, message, asked, version) "
        f"SELECT repair_id, src_partition, organization, day, home, '{state}', {work.epoch}, {work.cut}, {counted}, "
        f"author, reason, {quoted(message)}, asked, {version} FROM repairs FINAL "
        f"WHERE {work.of(repair_id)} AND version < {version}"
    )


def open_jobs(partitions: Sequence[int]) -> str:
    """Jobs of these partitions that are not over, in the order of their records, by the columns of a Job."""
    columns = ", ".join(JOB_COLUMNS)
    return (
        f"SELECT {columns} FROM jobs FINAL WHERE src_partition IN ({listed(partitions)}) "
        f"AND state IN ('asked', 'planned') AND {not_set_apart('src_offset')} ORDER BY src_partition, src_offset"
    )


def dropped_corrections(home: int, organization: str, offset: int) -> str:
    """How many corrections of events to come the erasure at this offset has ended: one number."""
    return (
        f"SELECT toInt64(count()) FROM awaited_events FINAL WHERE src_partition = {home} "
        f"AND organization = {quoted(organization)} AND src_offset < {offset} AND met = {offset}"
    )


def due_erasures(partitions: Sequence[int]) -> str:
    """Erasures of these partitions that are to be swept again now, or were and are not over."""
    return (
        "SELECT toString(control_id), organization, toInt64(src_partition), src_offset, user_hash, certificate, asked, "
        "due, toInt64(version), toString(state) FROM erasures FINAL "
        f"WHERE src_partition IN ({listed(partitions)}) AND state != 'complete' AND due <= now64(3, 'UTC')"
    )


def complete_erasures(partitions: Sequence[int]) -> str:
    """Erasures of these partitions that were carried out, in the order of the fields of Registered."""
    return registered(partitions)


def former_partitions(number: int) -> str:
    """Log partitions of earlier generations than this one's that were ever counted."""
    first = number // PARTITIONS_PER_GENERATION * PARTITIONS_PER_GENERATION
    return f"SELECT DISTINCT src_partition FROM partition_progress WHERE src_partition < {first}"


def applied_offset(number: int) -> str:
    """How far a partition is applied: one number."""
    return f"SELECT max(applied_offset) FROM partition_progress WHERE src_partition = {number}"


def job_orders(control_ids: Sequence[str]) -> str:
    """What people last wanted of these jobs: (control_id, run, pause or cancel). A cancelled job stays cancelled."""
    ids = ", ".join(f"toUUID({quoted(each)})" for each in control_ids)
    return (
        "SELECT toString(control_id), if(max(wanted = 'cancel'), 'cancel', argMax(toString(wanted), given)) "
        f"FROM job_orders WHERE control_id IN ({ids}) GROUP BY control_id"
    )


def job_noted(home: int, control_id: str, state: str, version: int, slices: int, message: str = "") -> str:
    """Writes the next state of a job."""
    kept = "src_partition, control_id, src_offset, kind, organization, body, prices, multipliers, asked"
    return (
        f"INSERT INTO jobs ({kept}, state, slices, message, version) "
        f"SELECT {kept}, '{state}', {slices}, {quoted(message)}, {version} FROM jobs FINAL "
        f"WHERE src_partition = {home} AND control_id = toUUID({quoted(control_id)})"
    )
