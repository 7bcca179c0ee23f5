"""Erased events: their ids are gone, a keyed hash of each stays, so that copies of them remain copies (rule E16)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

import polars as pl

from stream_jobs.errors import NoErasureKey

HASH_BYTES = 16


def _no_secret() -> bytes:
    raise NoErasureKey("the warehouse holds tombstones of erased events, but no erasure key was given")


@dataclass(slots=True)
class Tombstones:
    """Which organisations have erased events, and how their ids are known again.

    secret: the installation's key; asked for when there is something to compare with. May raise NoErasureKey.
    """

    secret: Callable[[], bytes] = _no_secret
    organizations: frozenset[str] = frozenset()
    _key: bytes = field(default=b"", init=False)

    def hashed(self, organization: str, event_id: bytes) -> bytes:
        """16 bytes that stand for the id and from which nobody without the key can tell it."""
        self._key = self._key or self.secret()
        name = organization.encode()
        return blake2b(len(name).to_bytes(4) + name + event_id, key=self._key, digest_size=HASH_BYTES).digest()

    def beside(self, events: pl.DataFrame) -> pl.DataFrame:
        """The events (organization, event_id …), and those of organisations with erased ones a second time, with the
        hash in the place of the id."""
        if not self.organizations:
            return events
        asked = events.filter(pl.col("organization").is_in(list(self.organizations)))
        hashes = [self.hashed(*each) for each in asked.select("organization", "event_id").iter_rows()]
        return pl.concat((events, asked.with_columns(pl.Series("event_id", hashes, pl.Binary))))
