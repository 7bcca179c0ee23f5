"""The beat tells the outside what moves and what is waited for; time alone moves nothing."""

import json
import os
import time
from pathlib import Path

import pytest

from stream_jobs.worker.beat import Beat


def told(folder: Path) -> dict[str, object]:
    state: dict[str, object] = json.loads((folder / "w.json").read_text())
    return state


def test_the_counter_moves_with_what_is_done_and_with_nothing_else(tmp_path: Path) -> None:
    beat = Beat(tmp_path, "w")
    beat.write({})
    beat.write({})
    assert (tmp_path / "w.beat").read_text() == "0\n"
    beat.move()
    beat.move()
    beat.write({})
    assert (tmp_path / "w.beat").read_text() == "2\n"


def test_the_state_says_what_is_waited_for_since_when_until_it_answers(tmp_path: Path) -> None:
    beat = Beat(tmp_path, "w")
    beat.wait("the warehouse", "disk full")
    beat.wait("the warehouse")
    beat.write({"lag_envelopes": 4})
    state = told(tmp_path)
    assert isinstance(waiting := state.pop("waiting_for"), dict)
    assert waiting == pytest.approx({"the warehouse": time.time()}, abs=60)
    assert state == {"pid": os.getpid(), "lag_envelopes": 4, "reasons": {"the warehouse": "disk full"}}
    beat.waits.end("the warehouse")
    beat.write({})
    assert told(tmp_path) == {"pid": os.getpid(), "waiting_for": {}, "reasons": {}}


def test_readiness_ends_with_the_process_that_said_it(tmp_path: Path) -> None:
    beat = Beat(tmp_path / "run", "w")
    assert not beat.ready_file.exists()
    beat.ready()
    beat.ready()
    assert beat.ready_file.read_text() == f"{os.getpid()}\n"
    assert not Beat(tmp_path / "run", "w").ready_file.exists()


def test_files_are_replaced_whole(tmp_path: Path) -> None:
    beat = Beat(tmp_path, "w")
    beat.write({"partitions": [1]})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.beat", "w.json"]


def test_e28_looking_on_is_told_and_moves_nothing(tmp_path: Path) -> None:
    beat = Beat(tmp_path, "w")
    beat.ready()
    aside = beat.aside()
    aside.move()
    aside.wait("the warehouse", "it refuses connections")
    assert beat.count == 0
    assert list(beat.waits.now) == ["the warehouse"]
    assert beat.ready_file.exists()
