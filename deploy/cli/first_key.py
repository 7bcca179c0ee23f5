"""The first API key of an installation: made and shown once."""

from pathlib import Path

from producers.keys.api_key import Scope
from producers.keys.store import KeyStore


def sentence(keys: Path) -> str:
    """The secret of a new key when there was none yet, else how to make another."""
    if keys.exists() and KeyStore(keys).list():
        return "API keys: ./tally keys create NAME makes another one."
    _, secret = KeyStore(keys).create(name="first", organization=None, scopes=Scope)
    return f"Your first API key, shown only now (all rights, all organizations): {secret}"
