"""One key for all imports of an installation, private, and replaced when it no longer works."""

from pathlib import Path

from deploy.cli.ingest_key import ingest_key
from deploy.local.home import Home
from producers.keys.api_key import Scope
from producers.keys.store import KeyStore


def test_the_key_is_made_once_may_only_send_and_is_private(tmp_path: Path) -> None:
    home = Home(tmp_path)
    secret = ingest_key(home)
    assert ingest_key(home) == secret
    (key,) = KeyStore(home.keys).list()
    assert (key.name, key.organization, key.scopes) == ("import", None, frozenset({Scope.INGEST}))
    assert (home.secrets / "import.key").stat().st_mode & 0o777 == 0o600


def test_a_revoked_key_is_replaced(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = ingest_key(home)
    store = KeyStore(home.keys)
    store.revoke(store.list()[0].id)
    assert ingest_key(home) != first
    assert [key.revoked is None for key in store.list()].count(True) == 1
