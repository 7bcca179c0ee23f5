"""Jobs that stand still or have failed: what the warehouse says of jobs in, rows of the table `alerts` out."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from warehouse.control.earlier import Earlier, earlier
from warehouse.queries.query import Rows
from warehouse.set_apart import not_set_apart

STALLED, FAILED = "job_stalled", "job_failed"
"""Kinds of alerts."""
STILL: Final = timedelta(hours=1)
"""A slice takes minutes: when none has changed for so long nobody does them, or none can be ended."""


@dataclass(frozen=True, slots=True)
class UnfinishedJob:
    """A job that is open or has failed. left: its slices that are not over; still: since when nothing of it changed.

    wanted: run, pause or cancel.
    """

    partition: int
    control_id: str
    kind: str
    organization: str
    state: str
    slices: int
    left: int
    still: timedelta
    wanted: str
    message: str

    def alert(self, kind: str, when: datetime, told: str) -> tuple[Any, ...]:
        """The row. What stands still is told every day, a failure once."""
        name = f"{kind}/{self.control_id}/{self.partition}"
        details = {"control_id": self.control_id, "partition": self.partition, "kind": self.kind, "left": self.left}
        alert_id = f"{name}/told {when:%Y-%m-%d}" if kind == STALLED else name
        message = f"job {self.control_id} ({self.kind}) of log partition {self.partition} {told}"
        return (alert_id, kind, self.organization, when, message, json.dumps(details))


@dataclass(frozen=True, slots=True)
class UnfinishedJobs:
    """Every job that is open or has failed, in the order of the records in each log partition."""

    sql = f"""SELECT
    job.src_partition, toString(job.control_id), toString(job.kind), job.organization, toString(job.state), job.slices,
    ifNull(slice.open, 0),
    dateDiff('millisecond', greatest(job.changed, ifNull(slice.last, job.changed), ifNull(said.last, job.changed)),
        now64(3, 'UTC')),
    ifNull(said.wanted, 'run'), job.message
FROM
(
    SELECT * FROM jobs FINAL WHERE state IN ('asked', 'planned', 'failed')
        AND {not_set_apart("src_offset")}
) AS job
LEFT JOIN
(
    SELECT repair_id, home, countIf(state IN ('asked', 'running')) AS open, toNullable(max(changed)) AS last
    FROM repairs FINAL WHERE home != -1 GROUP BY repair_id, home
) AS slice ON slice.repair_id = toString(job.control_id) AND slice.home = toInt32(job.src_partition)
LEFT JOIN
(
    SELECT control_id, toNullable(if(max(wanted = 'cancel'), 'cancel', argMax(toString(wanted), given))) AS wanted,
        toNullable(max(given)) AS last
    FROM job_orders GROUP BY control_id
) AS said ON said.control_id = job.control_id
ORDER BY job.src_partition, job.src_offset"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> list[UnfinishedJob]:
        """One job per row."""
        return [
            UnfinishedJob(
                *(int(row[0]), row[1], row[2], row[3], row[4], int(row[5]), int(row[6])),
                *(timedelta(milliseconds=int(row[7])), row[8], row[9]),
            )
            for row in rows
        ]


def stalled(jobs: Sequence[UnfinishedJob]) -> list[UnfinishedJob]:
    """Open jobs of which nothing has changed for STILL, and that wait neither for people nor for an earlier job."""
    waits = earlier(_open(jobs))
    return [
        job
        for job in _open(jobs)
        if job.still >= STILL and job.wanted != "pause" and (job.partition, job.control_id) not in waits
    ]


def held_erasures(jobs: Sequence[UnfinishedJob]) -> list[tuple[UnfinishedJob, Earlier]]:
    """Erasures of which nothing has changed for STILL because a paused job stands before them: people promised them,
    and whoever paused the other one may not know."""
    waits = earlier(_open(jobs))
    behind = [(job, waits.get((job.partition, job.control_id))) for job in _open(jobs) if job.kind == "erase"]
    return [(job, other) for job, other in behind if other and other.needs_people and job.still >= STILL]


def _open(jobs: Sequence[UnfinishedJob]) -> list[UnfinishedJob]:
    return [job for job in jobs if job.state != "failed"]


def alerts_of_jobs(jobs: Sequence[UnfinishedJob], known: set[str], when: datetime) -> Iterable[tuple[Any, ...]]:
    """One row per job that stands still or has failed and that was not told before. when: the log's clock."""
    rows = [
        job.alert(
            STALLED,
            when,
            f"has not moved for {round(job.still.total_seconds() / 60)} minutes; {job.left:,} of its "
            f"{job.slices:,} slices are left. Look with ./tally status whether a worker owns the log partition and "
            "what it waits for, and in its log with ./tally logs",
        )
        for job in stalled(jobs)
    ]
    rows += [
        job.alert(
            STALLED,
            when,
            f"has not moved for {round(job.still.total_seconds() / 60)} minutes; it {other}: ./tally control resume or "
            "./tally control cancel with that id",
        )
        for job, other in held_erasures(jobs)
    ]
    rows += [
        job.alert(
            FAILED,
            when,
            f"has failed: {job.message or 'no reason was noted'}. Mend the cause and ask for it again under a new id; "
            "what it had not done is compared with raw events like everything else",
        )
        for job in jobs
        if job.state == "failed"
    ]
    return [row for row in rows if row[0] not in known]
