"""The installation's own key for sending events: made once, kept in a file that only its owner reads."""

from producers.keys.store import KeyStore

from deploy.local.home import Home
from deploy.local.secrets import Secrets, write_once

NAME = "import"


def ingest_key(home: Home) -> str:
    """The secret of the key named "import", for all organisations, with the right to send only."""
    secrets = Secrets(home.secrets)
    path = secrets.path("import.key")
    if not path.exists():
        home.make()
        _, secret = KeyStore(home.keys).create(name=NAME, organization=None, scopes=frozenset({"ingest"}))
        write_once(path, secret)
    return secrets.read(path.name)
