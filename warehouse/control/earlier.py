"""Which jobs stand behind others: the open jobs of log partitions in, the earlier one that each waits for out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol


class OpenJob(Protocol):
    """A job that is not over; organization "": it is about all. wanted: run, pause or cancel."""

    @property
    def partition(self) -> int: ...

    @property
    def control_id(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def organization(self) -> str: ...

    @property
    def wanted(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Earlier:
    """The job that another one waits for. is_paused: until somebody resumes it; is_held: it waits for such a one."""

    control_id: str
    kind: str
    is_paused: bool = False
    is_held: bool = False

    @property
    def needs_people(self) -> bool:
        """Whether nothing goes on by itself."""
        return self.is_paused or self.is_held

    def __str__(self) -> str:
        name = f"waits for {self.kind} {self.control_id}"
        if self.is_paused:
            return f"{name}, which is paused: resume or cancel it"
        if self.is_held:
            return f"{name}, which waits for a paused one: look there which, and resume or cancel that"
        return f"{name}, which was asked for before"


def earlier(jobs: Iterable[OpenJob]) -> Mapping[tuple[int, str], Earlier]:
    """By log partition and id what each job waits for that waits; jobs come in the order of their records.

    A job waits for every earlier one of its partition that may be about the same events. One that people have to do
    something about is named first.
    """
    found: dict[tuple[int, str], Earlier] = {}
    before: dict[int, list[OpenJob]] = defaultdict(list)
    for job in jobs:
        met = [_seen(other, found) for other in before[job.partition] if _meet(job, other)]
        if met:
            found[job.partition, job.control_id] = max(met, key=lambda other: (other.is_paused, other.is_held))
        before[job.partition].append(job)
    return found


def _seen(job: OpenJob, found: Mapping[tuple[int, str], Earlier]) -> Earlier:
    behind = found.get((job.partition, job.control_id))
    if job.wanted == "pause":
        return Earlier(job.control_id, job.kind, is_paused=True)
    return Earlier(job.control_id, job.kind, is_held=behind is not None and behind.needs_people)


def _meet(job: OpenJob, other: OpenJob) -> bool:
    return job.organization == other.organization or "" in (job.organization, other.organization)
