"""`./tally keys`: the secret alone on standard output, once; the list without it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.first_key import sentence
from deploy.cli.keys import app
from producers.keys.store import KeyStore


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TALLY_HOME", str(tmp_path))
    return tmp_path / "keys.sqlite"


def test_a_new_key_is_shown_so_that_a_script_can_take_it(keys: Path) -> None:
    secret = CliRunner().invoke(app, ["create", "ci", "--organization", "acme", "--scope", "ingest"]).stdout.strip()
    key = KeyStore(keys).authenticate(secret)
    assert key is not None
    assert (key.name, key.organization, set(key.scopes)) == ("ci", "acme", {"ingest"})


def test_the_list_shows_no_secret(keys: Path) -> None:
    key, secret = KeyStore(keys).create("ci", None, ["read"])
    shown = CliRunner().invoke(app, ["list"]).stdout
    assert key.id in shown
    assert secret.rpartition("_")[2] not in shown


def test_a_revoked_key_is_void(keys: Path) -> None:
    key, secret = KeyStore(keys).create("ci", None, ["read"])
    assert CliRunner().invoke(app, ["revoke", key.id]).stdout == f"revoked {key.id} (ci)\n"
    assert KeyStore(keys).authenticate(secret) is None


def test_the_first_key_is_made_once(keys: Path) -> None:
    first = sentence(keys)
    (key,) = KeyStore(keys).list()
    assert "shown only now" in first
    assert (key.organization, set(key.scopes)) == (None, {"ingest", "read", "limits", "admin"})
    assert "tally_" not in sentence(keys)
    assert len(KeyStore(keys).list()) == 1
