"""What jobs ask the warehouse, answered in memory: jobs, their slices, and what people want of them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from producers.timeliness.rules import TimeRules
from stream_jobs.jobs import planning
from stream_jobs.jobs.job import STATES, Job
from stream_jobs.worker import job_statements
from stream_jobs.worker.jobs import Jobs
from stream_jobs.worker.poison.job_attempts import JobAttempts
from stream_jobs.worker.requests import MOST_EVENTS, Request
from stream_jobs.worker.sweeps import Sweeps
from tests.stream_jobs.worker.fake_sink import Question
from tests.stream_jobs.worker.simulation import QuietMetrics

STATEMENTS = (
    *("open_jobs", "job_orders", "job_noted", "former_partitions"),
    *(
        "dropped_corrections",
        "open_slices",
        "slice_states",
        "slices_cancelled",
        "slices_given_up",
        "slices_left",
        "events_of_days",
    ),
)
FIRST_DAY = date(2026, 3, 1)
ASKED = datetime(2026, 3, 29, tzinfo=UTC)
VOID = {"selection": {"user_id": "u"}}


@dataclass(slots=True)
class Asked:
    """A job in the table, and the states of its slices once it is planned."""

    home: int
    control_id: str
    offset: int
    kind: str
    organization: str
    body: Mapping[str, Any]
    days: int
    state: str = "asked"
    slices: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Desk:
    """Stands for the sink. asked: by control id; so are the orders."""

    asked: dict[str, Asked] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    looking: Callable[[], None] = lambda: None
    """Called in the middle of every look."""
    statements: list[str] = field(default_factory=list)
    events_a_day: int = 2 * MOST_EVENTS
    """With so many each slice is done alone."""

    def ask(
        self,
        control_id: str,
        organization: str,
        days: int,
        kind: str = "void",
        body: Mapping[str, Any] = VOID,
        home: int = 0,
    ) -> Asked:
        """The next job in the log."""
        self.asked[control_id] = Asked(home, control_id, len(self.asked), kind, organization, body, days)
        return self.asked[control_id]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer to a question."""
        assert isinstance(sql, Question)
        self.statements.append(sql.method)
        return list(getattr(self, sql.method)(*sql.arguments) or [])

    command = rows

    def do(self, *requests: Request) -> None:
        """Slices, to their end."""
        for request in requests:
            self.asked[request.repair_id].slices[(request.day - FIRST_DAY).days] = "done"

    def open_jobs(self, partitions: Sequence[int]) -> list[tuple[Any, ...]]:
        self.looking()
        return [
            (
                *(job.home, job.control_id, job.offset, job.kind, job.organization, json.dumps(dict(job.body)), 0, 0),
                *(job.state, len(job.slices), ASKED, ""),
            )
            for job in self.asked.values()
            if job.home in partitions and job.state in ("asked", "planned")
        ]

    def job_orders(self, control_ids: Sequence[str]) -> list[tuple[str, str]]:
        return [(each, wanted) for each, wanted in self.orders.items() if each in control_ids]

    def job_noted(self, _home: int, control_id: str, state: str, *_: object) -> None:
        assert state in STATES
        self.asked[control_id].state = state

    def former_partitions(self, _number: int) -> list[tuple[int]]:
        return []

    def plan(self, job: Job, *_: object) -> None:
        self.asked[job.control_id].slices = ["asked"] * self.asked[job.control_id].days

    def open_slices(self, control_id: str, home: int, partitions: Sequence[int], limit: int) -> list[tuple[Any, ...]]:
        job = self.asked[control_id]
        found = [
            (control_id, home, job.organization, FIRST_DAY + timedelta(days=number), 1)
            for number, state in enumerate(job.slices)
            if state in ("asked", "running") and home in partitions
        ]
        return found[:limit]

    def slice_states(self, control_id: str, _home: int) -> list[tuple[str, int, str]]:
        states = self.asked[control_id].slices
        return [(state, states.count(state), "") for state in sorted(set(states))]

    def slices_cancelled(self, control_id: str, _home: int) -> None:
        job = self.asked[control_id]
        job.slices = ["cancelled" if state == "asked" else state for state in job.slices]

    def slices_given_up(self, control_id: str, _home: int) -> None:
        job = self.asked[control_id]
        ends = {"asked": "cancelled", "running": "failed"}
        job.slices = [ends.get(state, state) for state in job.slices]

    def events_of_days(self, _partition: int, days: Sequence[tuple[str, date]]) -> list[tuple[str, date, int]]:
        return [(*each, self.events_a_day) for each in days]

    def dropped_corrections(self, _home: int, _organization: str, _offset: int) -> list[tuple[int]]:
        return [(0,)]

    def slices_left(self, _homes: Sequence[int]) -> list[tuple[int]]:
        return [(sum(job.slices.count("asked") for job in self.asked.values()),)]


def jobs_at(desk: Desk, folder: Path) -> Jobs:
    """The jobs of a worker that asks this desk."""
    repairs = SimpleNamespace(requested=lambda *_: [], forget_built=lambda *_: desk.statements.append("emptied"))
    erasure = SimpleNamespace(sweep_after=timedelta(0), begin=lambda *_: None, forget=lambda *_: None)
    made = Jobs(
        *(desk, repairs, SimpleNamespace(for_jobs=lambda *_: None), erasure, TimeRules(), QuietMetrics()),  # type: ignore[arg-type]
        JobAttempts(folder / "attempts"),
        desk,  # type: ignore[arg-type]
        SimpleNamespace(),  # type: ignore[arg-type]
    )
    made.sweeps._again.clear()
    return made


@contextmanager
def asking_the_desk() -> Iterator[None]:
    """Statements of jobs are questions, and every look comes when it is asked for."""
    with pytest.MonkeyPatch.context() as patch:
        for name in STATEMENTS:
            patch.setattr(job_statements, name, _asking(name))
        patch.setattr(planning, "plan", _asking("plan"))
        patch.setattr(Sweeps, "turn", lambda *_: None)
        yield


def _asking(method: str) -> Callable[..., Question]:
    def made(*arguments: Any) -> Question:
        question = Question(method)
        question.method, question.arguments = method, arguments
        return question

    return made
