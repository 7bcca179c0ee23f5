"""A backup appears whole or not at all: in its folder, on another disk, in a file."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.errors import BackupRuns, NoRoom, WrongSetting
from deploy.local.backups.folders import alone, appearing, listed, opened
from tests.warehouse.backups.made import made
from warehouse.backups import manifest
from warehouse.errors import BackupInvalid, WarehouseUnavailable


def written(backups: Path, target: Path) -> None:
    with alone(backups), appearing(backups, target) as folder:
        assert not target.exists()
        (folder / "tables").mkdir()
        (folder / "tables/data").write_text("numbers")
        made(files=manifest.sums(folder)).write(folder)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["backups/made", "elsewhere/made", "elsewhere/made.tar"])
def test_what_is_made_is_opened_again(tmp_path: Path, name: str) -> None:
    backups, target = tmp_path / "backups", tmp_path / name
    (tmp_path / "elsewhere").mkdir()
    written(backups, target)
    assert names(backups) | names(tmp_path / "elsewhere") == {".lock", target.name}
    assert target.stat().st_mode & 0o077 == 0
    with opened(target, backups) as (folder, found):
        assert (folder / "tables/data").read_text() == "numbers"
        assert found.accepted == 100
    assert names(backups) | names(tmp_path / "elsewhere") == {".lock", target.name}


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        WarehouseUnavailable("Code: 243. DB::Exception: Cannot reserve 1 MiB, not enough space: (NOT_ENOUGH_SPACE)"),
    ],
)
def test_a_full_disk_leaves_nothing_and_says_so(tmp_path: Path, failure: Exception) -> None:
    with (
        pytest.raises(NoRoom, match="the disk became full; nothing was kept"),
        alone(tmp_path),
        appearing(tmp_path, tmp_path / "made"),
    ):
        raise failure
    assert names(tmp_path) == {".lock"}


def test_other_failures_leave_nothing_either(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), alone(tmp_path), appearing(tmp_path, tmp_path / "made.tar"):
        raise RuntimeError
    assert names(tmp_path) == {".lock"}
    with pytest.raises(WrongSetting, match="there is no folder"), appearing(tmp_path, tmp_path / "nowhere/made"):
        pytest.fail("made in no folder")


def test_what_a_killed_one_left_is_no_backup_and_is_removed(tmp_path: Path) -> None:
    killed = (
        "import os, signal, sys; from pathlib import Path; from deploy.local.backups.folders import alone, appearing\n"
        "with alone(Path(sys.argv[1])), appearing(Path(sys.argv[1]), Path(sys.argv[1]) / 'made') as folder:\n"
        "    (folder / 'half').touch(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", killed, str(tmp_path)], check=False).returncode == -9
    (left,) = tmp_path.glob(".unfinished-*")
    assert listed(tmp_path) == []
    with pytest.raises(BackupInvalid, match="was never finished"), opened(left, tmp_path):
        pytest.fail("opened half a backup")
    written(tmp_path, tmp_path / "made")
    assert names(tmp_path) == {".lock", "made"}
    assert [path.name for path, _ in listed(tmp_path)] == ["made"]


def test_one_at_a_time(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(BackupRuns), alone(tmp_path):
        pytest.fail("two at once")


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "made.tar").write_text("no archive")
    with pytest.raises(BackupInvalid, match="cannot be unpacked"), opened(tmp_path / "made.tar", tmp_path):
        pytest.fail("unpacked it")
    assert names(tmp_path) == {"made.tar"}
