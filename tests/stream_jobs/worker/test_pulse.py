"""The pulse moves the beat for what the outlook explains, once per answer, and says what is waited for."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from stream_jobs.worker.beat import Beat
from stream_jobs.worker.liveness import Answers, Standing
from stream_jobs.worker.metrics import Metrics
from stream_jobs.worker.outlook import LogEnd, Outlook
from stream_jobs.worker.partition import Progress
from stream_jobs.worker.pulse import Pulse
from stream_jobs.worker.resume import Resume
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.state import WorkerState


class StillOutlook:
    """What was seen, set by the test."""

    def __init__(self) -> None:
        self.settings = WorkerSettings()
        self.answers = Answers(standing=Standing.MEMBER)
        self.ends: dict[int, LogEnd] = {}
        self.wanted: frozenset[int] = frozenset()
        self.ask_warehouse = False


class Scene:
    """A pulse with everything around it."""

    def __init__(self, folder: Path) -> None:
        self.registry = CollectorRegistry()
        self.beat = Beat(folder, "worker-0")
        self.outlook = StillOutlook()
        self.pulse = Pulse(self.beat, Metrics(self.registry), cast(Outlook, self.outlook))
        self.resume = Resume(generation=1, progress={3: Progress(applied_offset=4, applied_ms=1_000)})

    def tell(self, lag: dict[int, int], *, rests: bool = True, statement_seconds: float = 0.0) -> int:
        """How far the beat moved."""
        before = self.beat.count
        state = WorkerState(1)
        self.pulse.tell(state, self.resume, lag, rests=rests, statement_seconds=statement_seconds)
        return self.beat.count - before

    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.beat.folder / "worker-0.json").read_text())
        return told

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"tally_worker_{name}", labels)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_e28_the_beat_moves_at_the_end_of_the_log_and_not_before_it(scene: Scene) -> None:
    assert [scene.tell({3: 0}), scene.tell({3: 0}), scene.tell({3: 2}), scene.tell({3: 2})] == [1, 1, 0, 0]
    assert scene.beat.ready_file.exists()


def test_e28_an_answer_that_was_heard_before_keeps_nobody_alive(scene: Scene) -> None:
    scene.outlook.answers = Answers(kafka=False, why="no brokers")
    assert [scene.tell({3: 2}), scene.tell({3: 2})] == [1, 0]
    assert scene.told()["reasons"] == {"kafka": "no brokers"}
    scene.outlook.answers = Answers(kafka=False, why="no brokers")
    assert scene.tell({3: 2}) == 1
    assert scene.metric("wait_retries", what="kafka") == 2
    scene.outlook.answers = Answers(standing=Standing.MEMBER)
    scene.tell({3: 2})
    assert scene.told()["waiting_for"] == {}
    assert scene.metric("waiting_seconds", what="kafka") == 0


def test_a_spare_worker_is_ready_and_says_why_it_rests(scene: Scene) -> None:
    scene.resume = Resume()
    scene.tell({})
    assert not scene.beat.ready_file.exists()
    scene.outlook.answers = Answers(standing=Standing.STANDBY)
    assert scene.tell({}) == 1
    assert scene.beat.ready_file.exists()
    assert scene.told()["standby"] is True


def test_lag_in_envelopes_and_seconds_of_the_log_s_clock_by_partition(scene: Scene) -> None:
    scene.outlook.ends = {3: LogEnd(7, 31_000)}
    scene.tell({3: 2})
    assert (scene.metric("lag_envelopes", partition="3"), scene.metric("lag_seconds", partition="3")) == (2, 30)
    scene.tell({3: 0})
    assert scene.metric("lag_seconds", partition="3") == 0
    scene.tell({5: 1})
    assert scene.metric("lag_envelopes", partition="3") is None
    assert scene.outlook.wanted == {5}


def test_the_status_file_says_what_jobs_have_left(scene: Scene) -> None:
    scene.pulse.jobs = {"open": 2, "slices_left": 7}
    scene.tell({3: 0})
    assert scene.told()["jobs"] == {"open": 2, "slices_left": 7}
