"""A backup appears whole or not at all: in its folder, on another disk, in a file."""

import errno
import gzip
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

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
        sqlite3.OperationalError("database or disk is full"),
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
    assert [each.path.name for each in listed(tmp_path)] == ["made"]


def test_one_at_a_time(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(BackupRuns), alone(tmp_path):
        pytest.fail("two at once")


def packed(folder: Path) -> bytes:
    """A whole backup in an archive."""
    written(folder, folder / "whole.tar")
    (folder / ".lock").unlink()
    data = (folder / "whole.tar").read_bytes()
    (folder / "whole.tar").unlink()
    return data


@pytest.mark.parametrize(
    ("damaged", "problem"),
    [
        (lambda _: b"no archive", "cannot be unpacked, take another backup"),
        (lambda _: bytes(10240), r"made\.tar is no backup: it has no manifest\.json"),
        (lambda data: gzip.compress(data)[:-50], "cannot be unpacked, take another backup"),
        (lambda data: data[:1500], "cannot be unpacked, take another backup"),
        (
            lambda data: data.replace(b"tokentally", b"tokentall\xf9"),
            r"made\.tar/manifest\.json cannot be read, take an",
        ),
    ],
)
def test_a_damaged_archive_is_refused_and_listed(
    tmp_path: Path, damaged: Callable[[bytes], bytes], problem: str
) -> None:
    (tmp_path / "made.tar").write_bytes(damaged(packed(tmp_path)))
    with pytest.raises(BackupInvalid, match=problem), opened(tmp_path / "made.tar", tmp_path):
        pytest.fail("unpacked it")
    assert names(tmp_path) == {"made.tar"}


def test_a_disk_that_is_full_while_unpacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made.tar").write_bytes(packed(tmp_path))
    full = Mock(side_effect=OSError(errno.ENOSPC, "No space left on device"))
    monkeypatch.setattr("tarfile.TarFile.extractall", full)
    with pytest.raises(NoRoom, match="no room to unpack"), opened(tmp_path / "made.tar", tmp_path):
        pytest.fail("unpacked it")
    assert names(tmp_path) == {"made.tar"}


def test_damaged_ones_are_listed_behind_the_others(tmp_path: Path) -> None:
    for name in ("folder", "file.tar", "half"):
        written(tmp_path, tmp_path / name)
    (tmp_path / "empty.tar").write_bytes(bytes(10240))
    (tmp_path / "half" / manifest.NAME).write_text("{")
    (tmp_path / "no backup").mkdir()
    found = listed(tmp_path)
    assert [each.path.name for each in found] == ["file.tar", "folder", "empty.tar", "half"]
    assert [each.manifest.accepted if each.manifest else None for each in found] == [100, 100, None, None]
    assert "empty.tar is no backup: it has no manifest.json" in found[2].damage
    assert "cannot be read, take another backup" in found[3].damage


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (".unfinished-made", r"what begins with \.unfinished- or \.unpacked- is removed; choose another name"),
        (".unpacked-made.tar", r"what begins with \.unfinished- or \.unpacked- is removed; choose another name"),
        ("m" * 244, "its name is too long; choose one of at most 243 bytes"),
        ("é" * 122, "its name is too long; choose one of at most 243 bytes"),
        (os.fsdecode(b"m\xff"), r"m\\xff' is no UTF-8: rename it, or name another folder"),
        ("link", "link exists already and a backup replaces nothing"),
        ("", "exists already and a backup replaces nothing"),
    ],
)
def test_a_target_that_cannot_be_is_refused_before_anything_is_copied(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(WrongSetting, match=problem), appearing(tmp_path, tmp_path / name):
        pytest.fail("began")
    written(tmp_path / "backups", tmp_path / ("m" * 239 + ".tar"))


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path / "theirs")
    (tmp_path / "theirs").mkdir()
    with (
        pytest.raises(WrongSetting, match="theirs cannot be written to; give yourself the right, or name another"),
        appearing(tmp_path, tmp_path / "theirs/made"),
    ):
        pytest.fail("began")
