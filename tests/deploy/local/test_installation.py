"""The life of an installation: up twice, killed, moved, broken, down."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.errors import PortTaken, ServiceFailed, WrongSetting
from deploy.local import processes
from deploy.local.installation import Installation
from deploy.local.probes import nothing
from deploy.local.services import Plan, Service
from tests.conftest import free_port_base

pytestmark = pytest.mark.integration

ALL = ("kafka", "warehouse", "collector", "worker", "rejects", "auditor", "watchdog", "api", "superset")
ONLY_WATCHDOG = tuple(name for name in ALL if name != "watchdog")
"""What to leave out for a start within a second."""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Installation]:
    """An installation of its own, of which tests start one light service."""
    made = Installation(tmp_path / "home", port_base=free_port_base())
    try:
        yield made
    finally:
        made.down()


def pids(installation: Installation) -> dict[str, int]:
    return {service.name: service.pid for service in installation.status() if service.pid}


def test_a_second_up_changes_nothing(small: Installation) -> None:
    small.up(without=ONLY_WATCHDOG)
    before = pids(small)
    small.up(without=ONLY_WATCHDOG)
    assert before.keys() == {"watchdog"}
    assert pids(small) == before


def test_down_leaves_no_process(small: Installation) -> None:
    small.up(without=ONLY_WATCHDOG)
    assert small.down()
    assert processes.of_home(small.home) == []
    assert not small.down()
    assert {service.state for service in small.status()} == {"stopped"}


def test_up_after_everything_was_killed(small: Installation) -> None:
    small.up(without=ONLY_WATCHDOG)
    killed = processes.of_home(small.home)
    for process in killed:
        process.kill()
    psutil.wait_procs(killed, timeout=10)
    small.up(without=ONLY_WATCHDOG)
    assert pids(small).keys() == {"watchdog"}


def test_a_service_that_outlived_its_supervisor_is_stopped(small: Installation) -> None:
    small.up(without=ONLY_WATCHDOG)
    orphan = psutil.Process(pids(small)["watchdog"])
    supervisor = orphan.parent()
    assert supervisor is not None
    supervisor.kill()
    psutil.wait_procs([supervisor], timeout=10)
    assert small.down()
    assert not orphan.is_running()


def test_the_supervisor_starts_a_killed_service_again(small: Installation) -> None:
    small.up(without=ONLY_WATCHDOG)
    killed = psutil.Process(pids(small)["watchdog"])
    killed.kill()
    psutil.wait_procs([killed], timeout=10)
    small.wait_until_ready("watchdog")
    assert pids(small)["watchdog"] != killed.pid


def test_a_running_installation_does_not_move(small: Installation) -> None:
    small.up(without=ONLY_WATCHDOG)
    moved = Installation(small.home.folder, port_base=free_port_base())
    with pytest.raises(WrongSetting, match=rf"runs with TALLY_PORT_BASE={small.settings.port_base}"):
        moved.up(without=ONLY_WATCHDOG)
    assert Installation(small.home.folder).settings.port_base == small.settings.port_base


def test_a_taken_port_stops_the_start_before_anything_runs(small: Installation) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", small.plan.ports.api))
        listening.listen()
        with pytest.raises(PortTaken, match=rf"of api is taken by process {os.getpid()}"):
            small.up()
    assert processes.of_home(small.home) == []


def test_a_service_that_fails_shows_the_end_of_its_log(small: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [sys.executable, "-c", "import time; print('the shop is closed'); time.sleep(1.1)"]
    service = Service("watchdog", broken, {"TALLY_SERVICE": "watchdog"}, lambda _: "its opening")
    monkeypatch.setattr(Plan, "watchdog", lambda _: service)
    with pytest.raises(ServiceFailed, match=r"(?s)watchdog exits again and again; the end of .*the shop is closed"):
        small.up(without=ONLY_WATCHDOG)


def test_a_changed_service_is_replaced_in_a_running_supervisor(
    small: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.up(without=ONLY_WATCHDOG)
    before = pids(small)["watchdog"]
    other = [sys.executable, "-c", "import time; time.sleep(600)"]
    environment = small.plan.environment("watchdog")
    monkeypatch.setattr(Plan, "watchdog", lambda _: Service("watchdog", other, environment, nothing))
    small.up(without=ONLY_WATCHDOG)
    assert pids(small)["watchdog"] != before
    assert not psutil.pid_exists(before)
