"""Erased events: their ids are gone, a keyed hash of each stays, so that copies of them remain copies (rule E16).

Whoever erases stores the tombstones first, has the owner of the partition learn them, and deletes then.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from uuid import UUID

import polars as pl

from producers.control.selection import EventKey
from stream_jobs.errors import NoErasureKey

HASH_BYTES = 16
KEY_BYTES = range(16, blake2b.MAX_KEY_SIZE + 1)


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

    def learn(self, stored: Iterable[tuple[str, str]]) -> None:
        """Takes over what the warehouse knows: organisations with the check values of the keys that made their hashes.

        Raises NoErasureKey when a hash was made with another key: copies of those events would count as new.
        """
        known = set(stored)
        if any(check != self.key_check() for _, check in known):
            raise NoErasureKey(
                "the tombstones of erased events were made with another erasure key: restore that key; "
                "with this one copies of erased events would count as new"
            )
        self.organizations = frozenset(organization for organization, _ in known)

    def hashed(self, organization: str, event_id: bytes) -> bytes:
        """16 bytes that stand for the id and from which nobody without the key can tell it."""
        name = organization.encode()
        return self._digest(len(name).to_bytes(4) + name + event_id)

    def keys_of(self, organization: str, events: Iterable[EventKey]) -> dict[EventKey, EventKey]:
        """By the identity that an event has once it is erased: the one it had."""
        hashes = {self.hashed(organization, each.event_id.bytes): each for each in events}
        return {EventKey(event_id=UUID(bytes=id_hash), time=each.time): each for id_hash, each in hashes.items()}

    def key_check(self) -> str:
        """Stored beside each hash: another key has another value."""
        return self._digest(b"").hex()

    def beside(self, events: pl.DataFrame) -> pl.DataFrame:
        """The events (organization, event_id …), and those of organisations with erased ones a second time, with the
        hash in the place of the id."""
        if not self.organizations:
            return events
        asked = events.filter(pl.col("organization").is_in(list(self.organizations)))
        hashes = [self.hashed(*each) for each in asked.select("organization", "event_id").iter_rows()]
        return pl.concat((events, asked.with_columns(pl.Series("event_id", hashes, pl.Binary))))

    def _digest(self, message: bytes) -> bytes:
        if not self._key:
            key = self.secret()
            if len(key) not in KEY_BYTES:
                raise NoErasureKey(f"the erasure key has {len(key)} bytes: it needs {KEY_BYTES[0]} to {KEY_BYTES[-1]}")
            self._key = key
        return blake2b(message, key=self._key, digest_size=HASH_BYTES).digest()
