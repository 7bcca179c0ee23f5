"""Whatever the warehouse does, nothing is acknowledged that is not stored, and nothing is counted twice or lost."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.faults.conftest import MakeRig
from tests.faults.proxy import Fault, anything, writes
from tests.faults.rig import Rig
from tests.running import until
from warehouse.embedded.users import password_hash

pytestmark = pytest.mark.integration

FAULTS = [
    (Fault("refuse", 503, "busy"), "it refuses work (HTTP 503)"),
    (Fault("refuse", 429, "busy"), "too many queries at once (HTTP 429)"),
    (Fault("error", 241, "memory limit exceeded"), "out of memory"),
    (Fault("error", 252, "too many parts"), "too many parts"),
    (Fault("error", 243, "not enough space"), "disk full"),
    (Fault("reset"), "the connection broke off"),
    (Fault("half"), "the connection broke off"),
    (Fault("lost"), "the connection broke off"),
    (Fault("silent", seconds=8), "no answer in time"),
]


def test_e9_every_fault_in_turn_is_said_survived_and_leaves_exact_numbers(rig: Rig) -> None:
    worker = rig.start_worker()
    rig.send(100)
    rig.wait_until_exact()
    for fault, words in FAULTS:
        rig.proxy.inject(fault)
        rig.send(60)
        until(f"{fault.kind} {fault.number} is said", lambda words=words: words in rig.waits_for())  # type: ignore[misc]
        before = rig.applied()
        rig.send(60)
        rig.nothing_unstored_is_acknowledged()
        assert rig.applied() == before or fault.kind == "lost"
        rig.proxy.heal()
        until("it goes on", lambda: rig.is_exact() and rig.rests())
    rig.check_everything()
    assert worker.starts == 1


@pytest.mark.long
def test_e9_faults_at_random_between_all_requests(rig: Rig) -> None:
    rig.start_worker()
    for fault in [fault for fault, _ in FAULTS if fault.kind != "silent"] + [Fault("cut")]:
        rig.proxy.inject(fault, anything, share=0.3)
        rig.send(200)
        until(f"{fault.kind} hit", lambda: rig.proxy.hits > 5)
        rig.nothing_unstored_is_acknowledged()
    rig.proxy.heal()
    rig.wait_until_exact()


@pytest.mark.long
def test_a_slow_warehouse_is_slow_and_exact(rig: Rig) -> None:
    worker = rig.start_worker()
    rig.proxy.inject(Fault("slow", seconds=2.0), writes)
    for _ in range(5):
        rig.send(200)
    rig.wait_until_exact()
    assert worker.starts == 1


@pytest.mark.long
def test_a_changed_password_is_read_again(rig: Rig) -> None:
    worker = rig.start_worker()
    rig.send(50)
    rig.wait_until_exact()
    applied = rig.applied()
    rig.warehouse.change_user("tally", password_sha256=password_hash("another"))
    rig.send(50)
    until("it is said", lambda: "wrong user or password" in rig.waits_for())
    rig.nothing_unstored_is_acknowledged(applied)
    rig.password_file.write_text("another")
    rig._client = None
    rig.wait_until_exact()
    assert worker.starts == 1


@pytest.mark.long
def test_e28_a_warehouse_that_is_away_or_frozen_kills_nothing(rig: Rig) -> None:
    worker = rig.start_worker()
    rig.send(50)
    rig.wait_until_exact()
    assert rig.warehouse.process is not None
    rig.warehouse.process.send_signal(signal.SIGSTOP)
    rig.send(100)
    until("it is said", lambda: "no answer in time" in rig.waits_for())
    rig.warehouse.process.send_signal(signal.SIGCONT)
    until("it goes on", rig.is_exact)
    rig.warehouse.end(signal.SIGKILL)
    rig._client = None
    rig.send(100)
    until("it is said", lambda: "the warehouse" in rig.waits_for())
    rig.warehouse.start()
    rig.wait_until_exact()
    assert worker.starts == 1


def test_a_full_disk_is_said_and_heals_when_there_is_room(make_rig: MakeRig, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    rig = make_rig(disk=disk)
    try:
        on_a_full_disk(rig, disk / "ballast")
    finally:
        rig.stop_worker()
        rig.warehouse.end(signal.SIGKILL)
        subprocess.run(["umount", "-l", str(disk)], check=True)


def on_a_full_disk(rig: Rig, ballast: Path) -> None:
    worker = rig.start_worker()
    rig.send(200)
    rig.wait_until_exact()
    fill(ballast)
    rig.send(2000)
    until("it is said", lambda: "disk full" in rig.waits_for())
    rig.nothing_unstored_is_acknowledged()
    ballast.unlink()
    rig.wait_until_exact()
    assert worker.starts == 1


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            return
