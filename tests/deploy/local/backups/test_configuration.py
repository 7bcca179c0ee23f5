"""What is kept outside the warehouse: keys and secrets of the data go with a backup, passwords of services stay."""

from pathlib import Path

import pytest

from deploy.cli.first_key import sentence
from deploy.local.backups.configuration import copy_configuration, lost_keys, put_configuration_back
from deploy.local.home import Home
from deploy.local.secrets import Secrets
from producers.keys.store import KeyStore
from warehouse.errors import RestoreRefused


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    Secrets(made.secrets).make()
    return made


def test_keys_and_secrets_of_the_data_come_back_and_passwords_stay(home: Home, tmp_path: Path) -> None:
    store = KeyStore(home.keys)
    _, secret = store.create("first", None, {"ingest"})
    (home.secrets / "of_a_later_version").write_text("needed")
    erasure, password = (Secrets(home.secrets).read(name) for name in ("erasure_key", "warehouse_tally"))
    copy_configuration(home, tmp_path / "copy")
    copied = {path.name for path in (tmp_path / "copy/secrets").iterdir()}
    assert copied == {"control_key", "erasure_key", "of_a_later_version"}

    other = Home(tmp_path / "other")
    other.make()
    Secrets(other.secrets).make()
    KeyStore(other.keys).create("made by up", None, {"ingest"})
    theirs = Secrets(other.secrets).read("warehouse_tally")
    put_configuration_back(other, tmp_path / "copy")
    assert KeyStore(other.keys).authenticate(secret) is not None
    assert [key.name for key in KeyStore(other.keys).list()] == ["first"]
    assert Secrets(other.secrets).read("erasure_key") == erasure
    assert Secrets(other.secrets).read("of_a_later_version") == "needed"
    assert Secrets(other.secrets).read("warehouse_tally") == theirs != password
    assert (other.secrets / "erasure_key").stat().st_mode & 0o077 == 0


def test_keys_are_copied_while_they_are_written(home: Home, tmp_path: Path) -> None:
    store = KeyStore(home.keys)
    for number in range(3):
        store.create(f"key {number}", None, {"ingest"})
    copy_configuration(home, tmp_path / "copy")
    store.create("later", None, {"ingest"})
    assert len(KeyStore(tmp_path / "copy/keys.sqlite").list()) == 3


def test_an_installation_without_keys_has_none_to_copy(home: Home, tmp_path: Path) -> None:
    copy_configuration(home, tmp_path / "copy")
    put_configuration_back(home, tmp_path / "copy")
    assert not home.keys.exists()


def test_a_backup_without_keys_leaves_those_of_the_home(home: Home, tmp_path: Path) -> None:
    copy_configuration(home, tmp_path / "copy")
    KeyStore(home.keys).create("mine", None, {"ingest"})
    journal = home.keys.with_name("keys.sqlite-wal")
    journal.write_bytes(b"what SQLite still has to write")
    assert lost_keys(home, tmp_path / "copy") == []
    put_configuration_back(home, tmp_path / "copy")
    assert journal.exists()


def test_keys_in_use_that_a_backup_does_not_have_would_be_lost(home: Home, tmp_path: Path) -> None:
    store = KeyStore(home.keys)
    store.create("kept", None, {"ingest"})
    copy_configuration(home, tmp_path / "copy")
    copied = (tmp_path / "copy/keys.sqlite").read_bytes()
    sentence(home.keys)
    assert lost_keys(home, tmp_path / "copy") == []
    store.create("zen", "zen", {"read"})
    store.create("first", "acme", {"read"})
    store.revoke(store.create("revoked", None, {"ingest"})[0].id)
    assert lost_keys(home, tmp_path / "copy") == ["first", "zen"]
    assert (tmp_path / "copy/keys.sqlite").read_bytes() == copied


def test_the_key_that_an_installation_begins_with_is_not_lost(home: Home, tmp_path: Path) -> None:
    KeyStore(home.keys).create("theirs", None, {"ingest"})
    copy_configuration(home, tmp_path / "copy")
    home.keys.unlink()
    sentence(home.keys)
    assert [key.name for key in KeyStore(home.keys).list()] == ["first"]
    assert lost_keys(home, tmp_path / "copy") == []


def test_keys_that_cannot_be_read_are_not_replaced_unasked(home: Home, tmp_path: Path) -> None:
    KeyStore(home.keys).create("mine", None, {"ingest"})
    copy_configuration(home, tmp_path / "copy")
    home.keys.write_bytes(b"no database" * 100)
    with pytest.raises(RestoreRefused, match=r"keys\.sqlite cannot be read .*: with --replace those of the backup"):
        lost_keys(home, tmp_path / "copy")
