"""Settings of a local installation: where they come from, what is remembered, what is refused."""

from pathlib import Path

import pytest

from deploy.errors import WrongSetting
from deploy.local.settings import LocalSettings


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT_BASE", "WORKERS", "PARTITIONS", "RETENTION_DAYS"):
        monkeypatch.delenv(f"TALLY_{name}", raising=False)


def test_defaults(tmp_path: Path) -> None:
    settings = LocalSettings.load(tmp_path / "settings.env")
    assert (settings.port_base, settings.workers, settings.partitions, settings.retention_days) == (8700, 1, 8, 30)


def test_a_value_given_once_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.env"
    monkeypatch.setenv("TALLY_PORT_BASE", "9700")
    LocalSettings.load(file).remember(file)
    monkeypatch.delenv("TALLY_PORT_BASE")
    assert LocalSettings.load(file).port_base == 9700
    assert LocalSettings.remembered_port_base(file) == 9700


def test_the_environment_wins_over_what_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.env"
    file.write_text("TALLY_WORKERS=2\nTALLY_PORT_BASE=9700\n")
    monkeypatch.setenv("TALLY_WORKERS", "3")
    settings = LocalSettings.load(file)
    assert (settings.workers, settings.port_base) == (3, 9700)


def test_the_default_port_base_is_remembered_too(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    LocalSettings.load(file).remember(file)
    assert LocalSettings.remembered_port_base(file) == 8700


def test_remembering_again_does_not_touch_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    LocalSettings.load(file, workers=2).remember(file)
    before = file.stat().st_mtime_ns
    LocalSettings.load(file).remember(file)
    assert file.stat().st_mtime_ns == before


def test_all_bad_values_are_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_PORT_BASE", "eighty")
    monkeypatch.setenv("TALLY_WORKERS", "0")
    with pytest.raises(WrongSetting) as refusal:
        LocalSettings.load(tmp_path / "settings.env")
    assert "TALLY_PORT_BASE='eighty'" in str(refusal.value)
    assert "TALLY_WORKERS='0'" in str(refusal.value)
