"""Secrets: made once, read by their owner only."""

import stat
from pathlib import Path

import pytest

from deploy.errors import WrongSetting
from deploy.local.home import Home
from deploy.local.secrets import Secrets, write_once


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    home = Home(tmp_path)
    home.make()
    secrets = Secrets(home.secrets)
    secrets.make()
    return secrets


def test_only_the_owner_reads_them(secrets: Secrets) -> None:
    assert stat.S_IMODE(secrets.folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in secrets.folder.iterdir()}
    assert modes.keys() >= {"warehouse_tally", "warehouse_analyst", "superset_admin", "superset_key", "erasure_key"}
    assert set(modes.values()) == {0o600}


def test_making_them_again_changes_nothing(secrets: Secrets) -> None:
    before = {path: path.read_text() for path in secrets.folder.iterdir()}
    secrets.make()
    assert {path: path.read_text() for path in secrets.folder.iterdir()} == before


def test_no_two_are_equal(secrets: Secrets) -> None:
    values = [path.read_text() for path in secrets.folder.iterdir()]
    assert len(set(values)) == len(values)


def test_a_left_over_of_a_crash_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "key.new").write_text("half")
    write_once(tmp_path / "key", "whole")
    assert (tmp_path / "key").read_text() == "whole\n"
    assert not (tmp_path / "key.new").exists()


def test_a_damaged_file_of_users_is_said_in_one_line(secrets: Secrets) -> None:
    secrets.path("warehouse_users.json").write_text("{")
    with pytest.raises(WrongSetting, match=r"warehouse_users\.json"):
        secrets.make()
