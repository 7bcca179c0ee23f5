"""Setup runs once per version, and leaves no half-made database. Superset itself is not part of these tests."""

import importlib.metadata
import os
from pathlib import Path

import pytest

from dashboards import setup
from dashboards.superset_home import PUSHED, SupersetHome


@pytest.fixture
def home(tmp_path: Path) -> SupersetHome:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/superset_admin").write_text("admin-password\n")
    return SupersetHome.from_environment({"TALLY_HOME": str(tmp_path)})


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Databases that were prepared; a stand-in for what only Superset's environment can do."""
    databases: list[str] = []

    def prepare(admin_password: str) -> None:
        assert admin_password == "admin-password"
        databases.append(os.environ.get("TALLY_SUPERSET_DATABASE_URI", "the usual one"))

    monkeypatch.setattr(setup, "prepare", prepare)
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "6.1.0")
    monkeypatch.setenv("SUPERSET_CONFIG_PATH", "")
    monkeypatch.delenv("TALLY_SUPERSET_DATABASE_URI", raising=False)
    return databases


def test_a_new_database_gets_its_name_when_it_is_complete(home: SupersetHome, prepared: list[str]) -> None:
    assert setup.set_up(home)
    assert prepared == [f"sqlite:///{home.folder}/superset.unfinished"]
    assert (home.folder / "superset.db").exists()
    assert not (home.folder / "superset.unfinished").exists()


def test_nothing_is_done_twice(home: SupersetHome, prepared: list[str]) -> None:
    setup.set_up(home)
    assert not setup.set_up(home)
    assert len(prepared) == 1


def test_a_new_version_upgrades_what_is_there(
    home: SupersetHome, prepared: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.set_up(home)
    monkeypatch.delenv("TALLY_SUPERSET_DATABASE_URI")
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "6.2.0")
    assert setup.set_up(home)
    assert prepared[1:] == ["the usual one"]


def test_a_setup_that_died_starts_anew(home: SupersetHome, prepared: list[str]) -> None:
    home.folder.mkdir()
    (home.folder / "superset.unfinished").write_text("half a database")
    assert setup.set_up(home)
    assert (home.folder / "superset.db").read_bytes()[:6] == b"SQLite"


def test_a_new_database_has_no_dashboards_yet(home: SupersetHome, prepared: list[str]) -> None:
    home.folder.mkdir()
    (home.folder / PUSHED).write_text("a fingerprint")
    setup.set_up(home)
    assert not (home.folder / PUSHED).exists()
