"""A worker's settings come from the environment; all problems are told at once."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from stream_jobs.worker.settings import WorkerSettings


def test_without_an_environment_the_defaults_of_a_local_installation_hold() -> None:
    settings = WorkerSettings()
    assert (settings.kafka_bootstrap, settings.port) == ("127.0.0.1:8705", 8710)
    assert (settings.name, settings.run_folder) == ("worker-0", Path(".tally/run"))


def test_ports_follow_the_port_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_PORT_BASE", "9000")
    monkeypatch.setenv("TALLY_WORKER_ID", "3")
    settings = WorkerSettings()
    assert (settings.kafka_bootstrap, settings.port, settings.name) == ("127.0.0.1:9005", 9013, "worker-3")
    monkeypatch.setenv("TALLY_METRICS_PORT", "9999")
    assert WorkerSettings().port == 9999


def test_rows_of_a_new_topic_generation_have_numbers_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert WorkerSettings().src_partition(7) == 7
    monkeypatch.setenv("TALLY_TOPIC_GENERATION", "2")
    assert WorkerSettings().src_partition(7) == 2055
    monkeypatch.setenv("TALLY_TOPIC_GENERATION", "62")
    assert WorkerSettings().src_partition(1023) < 2**16


def test_all_problems_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORKER_ID": "-1", "WINDOW_EVENTS": "0", "TOPIC_GENERATION": "63", "TAKE_SECONDS": "x"}.items():
        monkeypatch.setenv(f"TALLY_{name}", value)
    with pytest.raises(ValidationError) as refused:
        WorkerSettings()
    assert {problem["loc"][0] for problem in refused.value.errors()} == {
        "worker_id",
        "window_events",
        "topic_generation",
        "take_seconds",
    }


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        WorkerSettings().worker_id = 4  # type: ignore[misc]


def test_an_unknown_default_zone_is_a_problem_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_DEFAULT_TIME_ZONE", "Europe/Nowhere")
    with pytest.raises(ValidationError):
        WorkerSettings()
