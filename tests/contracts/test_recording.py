"""`record()`: one client per process, from the environment; without one it only says so."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tokentally
from tests.contracts.fake_collector import FakeCollector
from tokentally.recording import default_client


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("TALLY_URL", "TALLY_KEY", "TALLY_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    default_client.cache_clear()
    yield
    client = default_client()
    if client:
        client.close(1)
    default_client.cache_clear()


def test_sends_through_the_client_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("key-from-file\n")
    with FakeCollector() as collector:
        monkeypatch.setenv("TALLY_URL", collector.url)
        monkeypatch.setenv("TALLY_KEY_FILE", str(tmp_path / "key"))
        event_id = tokentally.record(model="gpt-4o", **tokentally.disjoint(10, 5, cached=4))
        assert tokentally.flush()
        (event,) = collector.events
        assert event == {
            "event_id": event_id,
            "time": event["time"],
            "model": "gpt-4o",
            "input_tokens": 6,
            "cache_read_tokens": 4,
            "output_tokens": 5,
        }
        assert collector.requests[0].headers["authorization"] == "Bearer key-from-file"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "the environment variable TALLY_URL is not set"),
        ({"TALLY_URL": "http://127.0.0.1:1"}, "the environment variable TALLY_KEY is not set"),
        ({"TALLY_URL": "nowhere", "TALLY_KEY": "k"}, "the collector's address must look like"),
        ({"TALLY_URL": "http://127.0.0.1:1", "TALLY_KEY_FILE": "/no/such/file"}, "[Errno 2] No such file"),
    ],
)
def test_without_a_usable_environment_it_says_so_once(
    settings: dict[str, str], problem: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert tokentally.record(model="m") == ""
    assert tokentally.record(model="m") == ""
    assert tokentally.flush()
    (message,) = caplog.messages
    assert message.startswith(f"usage is not recorded: {problem}")


def test_a_program_that_just_ends_has_sent_its_events() -> None:
    program = "import tokentally; tokentally.record(model='gpt-4o', event_id='last words')"
    with FakeCollector() as collector:
        source = str(Path(tokentally.__file__).parents[1])
        settings = {**os.environ, "TALLY_URL": collector.url, "TALLY_KEY": "k", "PYTHONPATH": source}
        subprocess.run([sys.executable, "-c", program], env=settings, check=True, timeout=30)
        assert [event["event_id"] for event in collector.events] == ["last words"]
