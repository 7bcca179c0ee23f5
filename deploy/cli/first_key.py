"""The first API key of an installation: made and shown once."""

from pathlib import Path

from producers.keys.store import KeyStore

SCOPES = frozenset({"ingest", "read", "limits", "admin"})


def sentence(keys: Path) -> str:
    """The secret of a new key when there was none yet, else how to make another."""
    if keys.exists() and KeyStore(keys).list():
        return "API keys: ./tally keys create NAME makes another one."
    _, secret = KeyStore(keys).create(name="first", organization=None, scopes=SCOPES)
    return f"Your first API key, shown only now (all rights, all organizations): [bold]{secret}[/bold]"
