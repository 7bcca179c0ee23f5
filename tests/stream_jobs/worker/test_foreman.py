"""How a job leaves the stream its time: few halts, and a rest after each."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from producers.control.bodies import body_of
from stream_jobs.jobs.job import Job
from stream_jobs.rollups.repair import Slice
from stream_jobs.worker import foreman
from stream_jobs.worker.foreman import LONGEST_REST_SECONDS, REST_SHARE, Foreman
from stream_jobs.worker.jobs import Work
from stream_jobs.worker.repair import Request
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.state import WorkerState

DAY = date(2026, 3, 28)
SECONDS = {"recompute": 0.5, "build_beside": 0.5, "switch": 1.0, "finish": 1.5, "drain": 0.25}
"""What each of them takes."""
HALT = SECONDS["drain"] + SECONDS["recompute"]


@dataclass
class Scene:
    """Stands for everything the foreman asks; time goes on only where it says so."""

    spans_: list[tuple[int, int]]
    now: float = 0.0
    told: list[str] = field(default_factory=list)
    rests: list[float] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        def called(*_: object) -> Any:
            self.now += SECONDS.get(name, 0.0)
            self.told.append(name)
            return 0

        return called

    @property
    def metrics(self) -> SimpleNamespace:
        return SimpleNamespace(worked=lambda *_: None)

    def rewrite(self, *_: object) -> int:
        return 0

    def begun_as(self, _: Request, work: Slice) -> Slice:
        return work

    def spans(self, _: Slice) -> list[tuple[int, int]]:
        return self.spans_

    async def drain(self, _: WorkerState) -> None:
        self.now += SECONDS["drain"]
        self.told.append("halt")

    async def sleep(self, seconds: float) -> None:
        self.rests.append(seconds)


def worked(spans: list[tuple[int, int]], kind: str, body: dict[str, Any], waiting: int = 1) -> Scene:
    """One slice of a job, done."""
    scene = Scene(spans)
    state = WorkerState(1, partitions={0: SimpleNamespace(applied=10)})  # type: ignore[dict-item]
    made = Foreman(
        WorkerSettings(home=Path("unused")),
        *(scene, scene, scene, scene),  # type: ignore[arg-type]
        asyncio.Lock(),
        lambda: (1, state),
        lambda *_: None,
    )
    made._waiting = waiting > 0
    asked = datetime(2026, 3, 29, tzinfo=UTC)
    job = Job(0, "c", 5, kind, "acme", body_of(kind, "acme", body), 0, 0, "planned", 1, asked)
    work = Work(Request("c", 0, "acme", DAY, 1), job)
    clock = SimpleNamespace(monotonic=lambda: scene.now)
    with patch.object(foreman, "time", clock), patch.object(asyncio, "sleep", scene.sleep):
        asyncio.run(made._done(1, work, Slice(0, "acme", DAY, DAY, 0, 86_400, -1)))
    return scene


def test_a_day_halts_the_stream_once_for_each_span_and_ends_in_the_last() -> None:
    scene = worked([(0, 900), (900, 1800)], "void", {"selection": {"user_id": "u"}})
    assert scene.told == ["halt", "recompute", "reload", "halt", "recompute", "reload", "finish"]
    assert scene.rests == pytest.approx([REST_SHARE * HALT, REST_SHARE * (HALT + SECONDS["finish"])])


def test_a_replay_rests_after_its_switch_too() -> None:
    scene = worked([(0, 900)], "replay", {"first": "2026-01-01"})
    assert scene.told == ["build_beside", "halt", "switch", "reload", "finish"]
    switched = SECONDS["drain"] + SECONDS["switch"] + SECONDS["finish"]
    assert scene.rests == pytest.approx([REST_SHARE * SECONDS["build_beside"], REST_SHARE * switched])
    assert max(scene.rests) <= LONGEST_REST_SECONDS


def test_nothing_rests_while_nothing_waits() -> None:
    assert worked([(0, 900)], "void", {"selection": {"user_id": "u"}}, waiting=0).rests == [0.0]
