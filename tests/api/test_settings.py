"""Settings follow the environment of the installation."""

from pathlib import Path

import pytest

from api.settings import ApiSettings, warehouse_settings


def test_ports_and_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TALLY_PORT_BASE", "9100")
    monkeypatch.setenv("TALLY_HOME", str(tmp_path))
    monkeypatch.delenv("TALLY_KEYS_FILE", raising=False)
    monkeypatch.delenv("TALLY_WAREHOUSE_USER", raising=False)
    settings = ApiSettings()
    assert (settings.port, settings.keys_file) == (9102, tmp_path / "keys.sqlite")
    assert warehouse_settings().user == "api"
    monkeypatch.setenv("TALLY_WAREHOUSE_USER", "reader")
    monkeypatch.setenv("TALLY_KEYS_FILE", "/keys")
    assert (warehouse_settings().user, ApiSettings().keys_file) == ("reader", Path("/keys"))
