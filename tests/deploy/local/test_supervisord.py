"""The pause before a restart is bounded, and restarts never end (rule E29)."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from supervisor.options import ServerOptions
from supervisor.process import Subprocess
from supervisor.states import ProcessStates

from deploy.local import supervisord
from deploy.local.supervisord import LONGEST_PAUSE_SECONDS, change_state


@pytest.fixture
def process() -> Any:
    config = SimpleNamespace(name="worker-0", options=ServerOptions(), create_autochildlogs=lambda: None)
    made = Subprocess(config)
    made.group = SimpleNamespace(config=SimpleNamespace(name="worker-0"))
    return made


def test_e29_the_pause_after_a_hundred_quick_exits_is_ten_seconds(process: Any) -> None:
    for _ in range(100):
        change_state(process, ProcessStates.STARTING)
        change_state(process, ProcessStates.BACKOFF)
    assert process.delay <= time.time() + LONGEST_PAUSE_SECONDS
    assert process.backoff <= LONGEST_PAUSE_SECONDS


def test_the_supervisor_runs_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Subprocess, "change_state", Subprocess.change_state)
    used: list[object] = []
    monkeypatch.setattr("supervisor.supervisord.main", lambda: used.append(Subprocess.change_state))
    supervisord.main()
    assert used == [change_state]
