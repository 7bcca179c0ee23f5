"""A manifest makes a folder a backup, and tells whether it is whole."""

import errno
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.warehouse.backups.made import made
from warehouse.backups import manifest
from warehouse.backups.putting_back import require_readable
from warehouse.errors import BackupInvalid, RestoreRefused
from warehouse.migrate import Script


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Two files and their manifest."""
    (tmp_path / "tables/usage_raw").mkdir(parents=True)
    (tmp_path / "tables/usage_raw/data.bin").write_bytes(b"numbers")
    (tmp_path / "empty").touch()
    made(files=manifest.sums(tmp_path)).write(tmp_path)
    return tmp_path


def test_what_is_written_is_read_and_whole(backup: Path) -> None:
    found = manifest.read(backup)
    assert found == made(files=manifest.sums(backup))
    assert set(found.files) == {"tables/usage_raw/data.bin", "empty"}
    assert found.files["empty"].sha256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert (found.size, found.accepted) == (7, 100)
    manifest.verify(backup, found)


def test_a_file_that_is_missing_damaged_or_strange_is_named(backup: Path) -> None:
    found, data = manifest.read(backup), backup / "tables/usage_raw/data.bin"
    data.write_bytes(b"nambers")
    with pytest.raises(BackupInvalid, match=r"tables/usage_raw/data\.bin damaged"):
        manifest.verify(backup, found)
    data.unlink()
    with pytest.raises(BackupInvalid, match=r"tables/usage_raw/data\.bin missing"):
        manifest.verify(backup, found)
    data.write_bytes(b"numbers")
    (backup / "tables/other").touch()
    with pytest.raises(BackupInvalid, match=r"tables/other not of this backup"):
        manifest.verify(backup, found)


def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BackupInvalid, match="was never finished"):
        manifest.read(tmp_path)
    with pytest.raises(BackupInvalid, match="was never finished"):
        manifest.read(tmp_path / "nothing")


def test_a_file_that_the_disk_cannot_read_is_damaged(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = manifest.read(backup)
    monkeypatch.setattr(manifest, "_sum", Mock(side_effect=OSError(errno.EIO, "Input/output error")))
    with pytest.raises(BackupInvalid, match="empty and 1 more damaged"):
        manifest.verify(backup, found)


def test_a_damaged_manifest_is_refused(backup: Path) -> None:
    text = (backup / manifest.NAME).read_bytes()
    (backup / manifest.NAME).write_bytes(text.replace(b"tokentally", b"tokentall\xf9"))
    with pytest.raises(BackupInvalid, match=r"manifest\.json cannot be read, take another backup"):
        manifest.read(backup)
    (backup / manifest.NAME).unlink()
    (backup / manifest.NAME).mkdir()
    with pytest.raises(BackupInvalid, match=r"manifest\.json cannot be read, take another backup"):
        manifest.read(backup)


def test_half_a_manifest_and_another_format_are_refused(backup: Path) -> None:
    text = (backup / manifest.NAME).read_text()
    (backup / manifest.NAME).write_text(text[: len(text) // 2])
    with pytest.raises(BackupInvalid, match="cannot be read"):
        manifest.read(backup)
    made(format=2).write(backup)
    with pytest.raises(BackupInvalid, match=r"format 2, this version reads 1: restore it with Tokentally 0\.1\.0"):
        manifest.read(backup)


def test_tables_of_a_newer_version_are_refused_and_of_an_older_one_are_not() -> None:
    script = Script("migrations/0001_usage_raw.sql", "SELECT 1")
    old = made(migrations={script.name: script.checksum, "views/gone.sql": "whatever"})
    require_readable(old, [script, Script("migrations/0002_more.sql", "SELECT 2")])
    with pytest.raises(RestoreRefused, match=r"needs migrations/0001_usage_raw\.sql, which this version does not know"):
        require_readable(old, [])
    with pytest.raises(RestoreRefused, match="has another version of"):
        require_readable(old, [Script(script.name, "SELECT 3")])
