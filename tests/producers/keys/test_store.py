"""Keys: shown once, stored as hashes, checked from memory, and revoked everywhere within a second."""

import stat
from pathlib import Path

import pytest

from producers.errors import NoSuchKey, WrongConfiguration
from producers.keys.api_key import Scope
from producers.keys.store import KeyStore


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "keys.sqlite"


def test_a_new_key_authenticates_by_its_secret(path: Path) -> None:
    keys = KeyStore(path)
    key, secret = keys.create("importer", "acme", ["ingest", "read"])
    assert secret.startswith(f"tally_{key.id}_")
    assert keys.authenticate(secret) == key
    assert (key.name, key.organization, key.scopes) == ("importer", "acme", frozenset({Scope.INGEST, Scope.READ}))
    assert KeyStore(path).list() == [key]


@pytest.mark.parametrize("change", [lambda s: s[:-1] + ("0" if s[-1] != "0" else "1"), str.upper, lambda s: s + "0"])
def test_any_other_secret_does_not(path: Path, change: object) -> None:
    keys = KeyStore(path)
    _, secret = keys.create("one", None, ["ingest"])
    assert callable(change)
    assert keys.authenticate(change(secret)) is None
    assert keys.authenticate("") is None
    assert keys.authenticate("tally_é") is None


def test_the_secret_is_nowhere_in_the_file_and_the_file_is_private(path: Path) -> None:
    _, secret = KeyStore(path).create("one", None, ["ingest"])
    for file in path.parent.iterdir():
        assert secret.rpartition("_")[2].encode() not in file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_made_or_revoked_elsewhere_is_noticed_within_a_second(path: Path) -> None:
    clock = Clock()
    here, elsewhere = KeyStore(path, clock), KeyStore(path)
    key, secret = elsewhere.create("one", None, ["ingest"])
    assert here.authenticate(secret) == key
    elsewhere.revoke(key.id)
    clock.now = 0.9
    assert here.authenticate(secret) == key
    clock.now = 1.0
    assert here.authenticate(secret) is None
    assert here.list()[0].revoked is not None


def test_revoking_takes_effect_at_once_here_and_stays_dated(path: Path) -> None:
    keys = KeyStore(path)
    key, secret = keys.create("one", None, ["ingest"])
    revoked = keys.revoke(key.id)
    assert keys.authenticate(secret) is None
    assert keys.revoke(key.id) == revoked


def test_an_unknown_id_cannot_be_revoked(path: Path) -> None:
    with pytest.raises(NoSuchKey, match="no key has the id 'x'"):
        KeyStore(path).revoke("x")


def test_keys_of_a_restored_file_are_used(path: Path, tmp_path: Path) -> None:
    clock = Clock()
    keys = KeyStore(path, clock)
    other = KeyStore(tmp_path / "backup.sqlite")
    _, secret = other.create("one", None, ["ingest"])
    other.close()
    assert keys.authenticate(secret) is None
    (tmp_path / "backup.sqlite").replace(path)
    clock.now = 5.0
    assert keys.authenticate(secret) is not None


@pytest.mark.parametrize(
    ("name", "organization", "scopes"),
    [("", None, ["read"]), ("x\n", None, ["read"]), ("x", "", ["read"]), ("x", None, []), ("x", None, ["write"])],
)
def test_wrong_options_are_explained(path: Path, name: str, organization: str | None, scopes: list[str]) -> None:
    with pytest.raises(WrongConfiguration):
        KeyStore(path).create(name, organization, scopes)


def test_a_file_that_is_no_database_is_explained(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to look like one" * 10)
    with pytest.raises(WrongConfiguration, match="cannot be used"):
        KeyStore(path)
