"""What a restore refuses before anything is stopped, and what it leaves as it was."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock, create_autospec

import psutil
import pytest

from deploy.errors import NoRoom, NotRunning, WrongSetting
from deploy.local.backups import restoring
from deploy.local.backups.configuration import copy_configuration
from deploy.local.backups.folders import CONFIGURATION
from deploy.local.backups.log_state import FoundLog
from deploy.local.backups.restoring import Note, Restore
from deploy.local.home import Home
from deploy.local.installation import Installation
from producers.keys.store import KeyStore
from tests.warehouse.backups.made import made
from warehouse.backups import manifest
from warehouse.errors import RestoreRefused

SAME = FoundLog("usage.events", 3, 0, "one", starts={}, ends={0: 0, 1: 50, 2: 9})
Made = Callable[..., tuple[Restore, Mock]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    return made


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup with one API key and nothing else."""
    folder, other = tmp_path / "backup", Home(tmp_path / "other")
    other.make()
    KeyStore(other.keys).create("kept", None, {"ingest"})
    folder.mkdir()
    copy_configuration(other, folder / CONFIGURATION)
    made(files=manifest.sums(folder), migrations={}).write(folder)
    return folder


@pytest.fixture
def restore(home: Home, monkeypatch: pytest.MonkeyPatch) -> Made:
    """A restore into a home in which these services run, and the installation that notes what is asked of it."""
    monkeypatch.setattr(restoring, "end_orphans", lambda _: None)

    def run(*running: str, log: FoundLog | Exception = SAME) -> tuple[Restore, Mock]:
        monkeypatch.setattr(restoring, "found_log", Mock(side_effect=[log]))
        installation = create_autospec(Installation, instance=True)
        installation.home = home
        installation.plan = Mock()
        installation.plan.services.return_value = [SimpleNamespace(kind=kind) for kind in ("kafka", "warehouse")]
        installation.running.return_value = list(running)
        return Restore(installation), installation

    return run


def untouched(installation: Mock) -> bool:
    return not (installation.up.called or installation.stop.called or installation.down.called)


def test_a_link_in_the_place_of_the_data_is_refused_before_anything_is_stopped(
    restore: Made, home: Home, backup: Path, tmp_path: Path
) -> None:
    doing, installation = restore("kafka", "warehouse")
    home.warehouse.rename(tmp_path / "disk")
    for target in (tmp_path / "disk", tmp_path / "nowhere"):
        home.warehouse.unlink(missing_ok=True)
        home.warehouse.symlink_to(target)
        with pytest.raises(RestoreRefused, match="home/warehouse is a link, and a restore renames the folder"):
            doing.run(backup)
    home.warehouse.unlink()
    (home.folder / "warehouse.replaced").symlink_to(tmp_path / "disk")
    with pytest.raises(RestoreRefused, match=r"warehouse\.replaced is a link"):
        doing.run(backup)
    assert untouched(installation)


def test_a_disk_in_the_place_of_the_data_is_refused_before_anything_is_stopped(
    restore: Made, home: Home, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doing, installation = restore("kafka", "warehouse")
    mounts = [SimpleNamespace(mountpoint=str(home.warehouse))]
    monkeypatch.setattr(psutil, "disk_partitions", lambda *, all: mounts if all else [])
    with pytest.raises(RestoreRefused, match="home/warehouse is a disk of its own, and a restore renames"):
        doing.run(backup)
    assert untouched(installation)


def test_a_path_that_no_note_can_hold_is_refused(restore: Made, tmp_path: Path) -> None:
    doing, installation = restore("kafka")
    with pytest.raises(WrongSetting, match=r"m\\xff' is no UTF-8: rename it"):
        doing.run(tmp_path / os.fsdecode(b"m\xff"))
    assert untouched(installation)


def test_keys_of_its_own_are_not_replaced_unasked(restore: Made, home: Home, backup: Path) -> None:
    KeyStore(home.keys).create("mine", None, {"ingest"})
    doing, installation = restore("kafka")
    with pytest.raises(RestoreRefused, match=r"the API keys mine are in use here .* with --replace they are lost"):
        doing.run(backup)
    assert untouched(installation)
    assert [key.name for key in KeyStore(home.keys).list()] == ["mine"]


@pytest.mark.parametrize(
    ("log", "free", "error"),
    [
        (NotRunning("Kafka does not tell"), 1 << 40, NotRunning),
        (FoundLog("other", 3, 0, "one", {}, {}), 1 << 40, RestoreRefused),
        (SAME, 0, NoRoom),
    ],
)
@pytest.mark.parametrize("running", [(), ("warehouse",), ("kafka", "warehouse")])
def test_kafka_is_as_it_was_when_a_restore_is_refused(
    restore: Made,
    backup: Path,
    monkeypatch: pytest.MonkeyPatch,
    log: FoundLog | Exception,
    free: int,
    error: type[Exception],
    running: tuple[str, ...],
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    monkeypatch.setattr(Restore, "_mixture", lambda *_: [])
    doing, installation = restore(*running, log=log)
    with pytest.raises(error):
        doing.run(backup)
    if "kafka" in running:
        assert untouched(installation)
    elif running:
        installation.stop.assert_called_once_with(["kafka"])
        assert not installation.down.called
    else:
        installation.down.assert_called_once_with()
        assert not installation.stop.called


def test_kafka_is_stopped_also_when_it_did_not_start(restore: Made, backup: Path) -> None:
    doing, installation = restore()
    installation.up.side_effect = NotRunning("it did not start")
    with pytest.raises(NotRunning):
        doing.run(backup)
    installation.down.assert_called_once_with()


def test_what_ran_before_runs_again_and_nothing_else(restore: Made, home: Home) -> None:
    doing, installation = restore("kafka")
    home.restoring.write_text(Note(backup="made", services=("warehouse",)).model_dump_json())
    doing.abandon()
    installation.up.assert_called_once_with(without={"kafka"})
    installation.stop.assert_called_once_with(["kafka"])
