"""`./tally backup --list` shows every backup, whole or not."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.backup import app
from deploy.errors import WrongSetting
from tests.warehouse.backups.made import made


def listed(*arguments: str) -> list[str]:
    """What is said, a table by its rows."""
    said = CliRunner().invoke(app, ["--list", *arguments], catch_exceptions=False).output.splitlines()
    return [line for line in said if line.startswith("│")] or said


def test_a_damaged_backup_hides_no_other(tmp_path: Path) -> None:
    for name in ("whole", "half"):
        (tmp_path / name).mkdir()
        made().write(tmp_path / name)
    (tmp_path / "half/manifest.json").write_text("{")
    (tmp_path / os.fsdecode(b"zeros\xff.tar")).write_bytes(bytes(10240))
    lines = [line.replace("│", " ") for line in listed(str(tmp_path))]
    assert lines[0].split() == ["whole", "2026-11-22", "12:00:00", "0.0", "100", "0.1.0"]
    assert [line.split()[:2] for line in lines[1:]] == [["half", "damaged:"], ["zeros?.tar", "damaged:"]]
    assert "half/manifest.json cannot be read, take another backup: 1 validation error" in lines[1]


def test_a_folder_without_backups_and_none_at_all_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed(str(tmp_path)) == [f"there is no backup in {tmp_path}"]
    with pytest.raises(WrongSetting, match=r"there is no folder .*nowhere"):
        listed(str(tmp_path / "nowhere"))
    monkeypatch.setenv("TALLY_HOME", str(tmp_path / "home"))
    with pytest.raises(WrongSetting, match=r"there is no folder .*home/backups"):
        listed()
