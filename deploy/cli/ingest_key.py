"""The installation's own key for sending events: made once, kept in a file that only its owner reads."""

from contextlib import closing

from deploy.local.home import Home
from deploy.local.secrets import Secrets, write_once
from producers.keys.store import KeyStore

NAME = "import"


def ingest_key(home: Home) -> str:
    """The secret of the key named "import", for all organisations, with the right to send only.

    One that was revoked or lost is replaced by a new one.
    """
    home.make()
    secrets = Secrets(home.secrets)
    path = secrets.path("import.key")
    with closing(KeyStore(home.keys)) as keys:
        if path.exists() and keys.authenticate(secrets.read(path.name)):
            return secrets.read(path.name)
        path.unlink(missing_ok=True)
        _, secret = keys.create(name=NAME, organization=None, scopes={"ingest"})
        write_once(path, secret)
        return secret
