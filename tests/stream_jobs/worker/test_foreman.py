"""How a job leaves the stream its time: few halts, and a rest after each."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import patch

import pytest

from producers.control.bodies import body_of
from stream_jobs.corrections.awaited import Awaited, AwaitedEvents, Identity
from stream_jobs.corrections.change import Change
from stream_jobs.errors import JobRefused
from stream_jobs.jobs.job import Job
from stream_jobs.rollups.bundle import Bundle, Slice
from stream_jobs.worker import foreman
from stream_jobs.worker.foreman import HALT_SECONDS, Foreman
from stream_jobs.worker.jobs import Work
from stream_jobs.worker.repair import DERIVATIONS
from stream_jobs.worker.requests import Request, Requests
from stream_jobs.worker.state import WorkerState
from stream_jobs.worker.stream_lag import BEHIND_SHARE, LONGEST_REST_SECONDS
from warehouse.log_partitions import PARTITIONS_PER_GENERATION

DAY = date(2026, 3, 28)
BUNDLE = Bundle(0, (Slice("acme", DAY, DAY, 0, 86_400),), -1)
VOID = ("void", {"selection": {"user_id": "u"}})
FIRST_OF_GENERATION = PARTITIONS_PER_GENERATION
SECONDS = {"recompute": 0.75, "build_beside": 0.5, "switch": 1.0, "derive_again": 0.25, "finish": 0.25, "drain": 0.25}
"""What each of them takes."""
AT_ONCE = 4
"""Derivations that begin within one halt."""


@dataclass
class Scene:
    """Stands for everything the foreman asks; time goes on only where it says so."""

    spans_: list[tuple[int, int]]
    now: float = 0.0
    generation: int = 1
    forgotten: int = 0
    found: Work | None = None
    moves_in: str = ""
    """In the middle of which of them the group's generation changes."""
    attempts: ClassVar = SimpleNamespace(at=lambda *_: nullcontext(), rest_seconds=lambda *_: 0.0)
    met: deque[tuple[int, Identity, int]] = field(default_factory=deque)
    told: list[str] = field(default_factory=list)
    rests: list[float] = field(default_factory=list)
    """How long each was, of several naps."""
    _rested_after: int = -1

    def __getattr__(self, name: str) -> Any:
        def called(*_: object) -> Any:
            self.now += SECONDS.get(name, 0.0)
            self._tell(name)
            return 0

        return called

    @property
    def metrics(self) -> SimpleNamespace:
        return SimpleNamespace(worked=lambda *_: None)

    def _tell(self, name: str) -> None:
        self.told.append(name)
        if name == self.moves_in:
            self.generation += 1

    def next(self, *_: object) -> Work | None:
        if self.moves_in == "next":
            self.generation += 1
        return self.found

    def bundle_of(self, *_: object) -> Bundle:
        return BUNDLE

    def rewrite(self, _: Work, rest: Callable[[float], None]) -> int:
        for _span in range(2):
            if self.moves_in:
                self._tell("rewrite")
            rest(0.0)
        if self.moves_in == "refused rewrite":
            self.generation += 1
            raise JobRefused("too large")
        return 0

    def claimed(self, requests: Requests, _: Bundle) -> Requests:
        if self.moves_in:
            self._tell("claimed")
        return requests

    def rewritten(self, *_: object) -> dict[Any, int]:
        return {}

    def begun_as(self, _: Requests, work: Bundle) -> Bundle:
        return work

    def spans(self, _: Bundle) -> list[tuple[int, int]]:
        return self.spans_

    async def drain(self, _: WorkerState) -> None:
        self.now += SECONDS["drain"]
        self._tell("halt")

    def nap(self, seconds: float) -> None:
        self.now += seconds
        if self._rested_after == len(self.told):
            self.rests[-1] += seconds
        else:
            self.rests.append(seconds)
        self._rested_after = len(self.told)

    async def sleep(self, seconds: float) -> None:
        self.nap(seconds)


def worked(
    spans: list[tuple[int, int]], kind: str, body: dict[str, Any], waiting: int = 1, behind: float = 60.0
) -> Scene:
    """One slice of a job, done. behind: seconds for which the oldest of what waits has waited."""
    scene = Scene(spans)
    made = hired(scene, {0})
    made._lag.see(scene.now - behind, 1, {0: 10}, {0: waiting})
    clock = SimpleNamespace(monotonic=lambda: scene.now, sleep=scene.nap)
    with patch.object(foreman, "time", clock), patch.object(asyncio, "sleep", scene.sleep):
        asyncio.run(made._done(1, work_of(kind, body), BUNDLE))
    return scene


def work_of(kind: str, body: dict[str, Any], partition: int = 0, home: int = 0) -> Work:
    asked = datetime(2026, 3, 29, tzinfo=UTC)
    job = Job(home, "c", 5, kind, "acme", body_of(kind, "acme", body), 0, 0, "planned", 1, asked)
    return Work((Request("c", partition, "acme", DAY, 1),), job)


def hired(scene: Scene, partitions: set[int]) -> Foreman:
    state = WorkerState(1, partitions={number: SimpleNamespace(applied=10) for number in partitions})  # type: ignore[misc]
    return Foreman(
        *(scene, scene, scene, scene),  # type: ignore[arg-type]
        asyncio.Lock(),
        lambda: (scene.generation, state),
        lambda *_: None,
        lambda: True,
    )


def told_of_last_steps() -> list[str]:
    """The derivations in halts, and the end in the last of them."""
    steps = ["derive_again"] * len(DERIVATIONS) + ["finish"]
    halts = [steps[first : first + AT_ONCE] for first in range(0, len(steps), AT_ONCE)]
    return [name for halt in halts for name in ("halt", *halt)]


def test_the_stream_never_stands_still_for_longer_than_a_halt_and_a_step() -> None:
    scene = worked([(0, 900)], "void", {"selection": {"user_id": "u"}})
    assert set(scene.told) == {"halt", "recompute", "reload", "derive_again", "finish"}
    assert scene.told.count("derive_again") == len(DERIVATIONS)
    assert scene.told[-1] == "finish"
    longest = SECONDS["drain"] + HALT_SECONDS + max(SECONDS["recompute"], SECONDS["derive_again"])
    assert max(scene.rests) <= BEHIND_SHARE * longest


def test_each_span_has_what_it_takes_in_memory_within_its_halt() -> None:
    scene = worked([(0, 900), (900, 1800)], "void", {"selection": {"user_id": "u"}})
    assert scene.told[:5] == ["halt", "recompute", "reload", "recompute", "reload"]
    assert scene.rests[0] == pytest.approx(BEHIND_SHARE * (SECONDS["drain"] + 2 * SECONDS["recompute"]))


def test_a_slice_of_few_events_costs_the_stream_one_flush() -> None:
    with patch.dict(SECONDS, dict.fromkeys(SECONDS, 0.01)):
        assert worked([(0, 900)], "void", {"selection": {"user_id": "u"}}).told.count("halt") == 1


def test_a_replay_rests_after_its_switch_too() -> None:
    scene = worked([(0, 900)], "replay", {"first": "2026-01-01"})
    assert scene.told == ["build_beside", "halt", "switch", "reload", *told_of_last_steps()]
    switched = SECONDS["drain"] + SECONDS["switch"]
    assert scene.rests[:2] == pytest.approx([BEHIND_SHARE * SECONDS["build_beside"], BEHIND_SHARE * switched])
    assert max(scene.rests) <= LONGEST_REST_SECONDS


def test_nothing_rests_while_nothing_waits() -> None:
    assert worked([(0, 900)], "void", {"selection": {"user_id": "u"}}, waiting=0).rests == []


def test_a_rest_ends_when_the_stream_has_caught_up() -> None:
    scene, looks = Scene([]), []
    made = hired(scene, {0})
    made._lag.see(0.0, 1, {0: 10}, {0: 5})
    scene.now = 3.0
    clock = SimpleNamespace(monotonic=lambda: scene.now)
    with patch.object(foreman, "time", clock):
        for nap in made._naps(2.0):
            scene.now += nap
            looks.append(scene.now)
            if scene.now == 3.5:
                made._lag.see(scene.now, 1, {0: 14}, {0: 3})
            if scene.now == 4.5:
                made._lag.see(scene.now, 1, {0: 17}, {0: 1})
    assert looks[-1] == 5.0


@pytest.mark.parametrize(
    ("moves_in", "told"),
    [
        ("next", []),
        ("claimed", ["claimed"]),
        ("rewrite", ["claimed", "rewrite"]),
        ("refused rewrite", ["claimed", "rewrite", "rewrite"]),
        ("halt", ["claimed", "rewrite", "rewrite", "halt"]),
        ("recompute", ["claimed", "rewrite", "rewrite", "halt", "recompute", "reload"]),
    ],
)
def test_nothing_is_claimed_rewritten_or_noted_once_the_partitions_have_moved_on(
    moves_in: str, told: list[str]
) -> None:
    scene = Scene([(0, 900)], found=work_of(*VOID), moves_in=moves_in)
    assert not asyncio.run(hired(scene, {0}).work(1))
    assert scene.told == told


def test_events_that_came_before_their_record_are_let_go_of() -> None:
    """Those of this worker's partitions, and only by that record."""
    known: Identity = ("acme", 1, b"e")
    gone: Identity = ("zen", 1, b"e")
    scene = Scene([], met=deque([(0, known, 5), (0, gone, 5), (7, known, 5)]))
    made = hired(scene, {0})
    awaited = made.now()[1].partitions[0].awaited = AwaitedEvents()
    for identity, offset in ((known, 5), (known, 6), (gone, 5)):
        awaited.add(identity, Awaited(offset, "c", "void", Change(void=True), offset + 1))
    assert not asyncio.run(made.work(1))
    assert {identity: [each.src_offset for each in said] for identity, said in awaited.by_identity.items()} == {
        known: [6]
    }
    assert (awaited.organizations, scene.met) == ({"acme": 1}, deque())


def test_a_replay_builds_nothing_more_once_the_partitions_have_moved_on() -> None:
    replay = work_of("replay", {"first": "2026-01-01"})
    scene = Scene([(0, 900), (900, 1800)], found=replay, moves_in="build_beside")
    assert not asyncio.run(hired(scene, {0}).work(1))
    assert scene.told[-1] == "build_beside"
    assert scene.told.count("build_beside") == 1


@pytest.mark.parametrize(("mine", "is_done"), [({FIRST_OF_GENERATION}, True), ({FIRST_OF_GENERATION + 1}, False)])
def test_a_slice_in_a_partition_of_a_former_generation_is_done_by_the_owner_of_its_job(
    mine: set[int], *, is_done: bool
) -> None:
    scene = Scene([(0, 900)], found=work_of(*VOID, partition=3, home=FIRST_OF_GENERATION))
    with patch.object(Foreman, "_cut", return_value=7):
        assert asyncio.run(hired(scene, mine).work(1)) is is_done
    assert ("finish" in scene.told) is is_done
