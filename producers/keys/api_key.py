"""An API key: who may do what; and its secret, of which only a hash is kept."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from producers.errors import WrongConfiguration
from tokentally.fields import CONTROL_CHARACTERS, MAX_ORGANIZATION_CHARS, MAX_TEXT_CHARS

_ID_BYTES: Final = 6
_RANDOM_BYTES: Final = 24
_SECRET: Final = re.compile(r"tally_([0-9a-f]{12})_([0-9a-f]{48})")


class Scope(StrEnum):
    """What a key may be used for."""

    INGEST = "ingest"
    READ = "read"
    LIMITS = "limits"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. organization None: every organization. revoked: since when it is void."""

    id: str
    name: str
    organization: str | None
    scopes: frozenset[Scope]
    created: datetime
    revoked: datetime | None = None

    def __post_init__(self) -> None:
        """Raises WrongConfiguration for a name or organization that no event could carry."""
        for field, value, longest in (
            ("name", self.name, MAX_TEXT_CHARS),
            ("organization", self.organization, MAX_ORGANIZATION_CHARS),
        ):
            if value is not None and (not 1 <= len(value) <= longest or CONTROL_CHARACTERS.search(value)):
                raise WrongConfiguration(f"a key's {field} has 1 to {longest} characters and no control characters")
        if not self.scopes:
            raise WrongConfiguration(f"a key needs at least one scope: {', '.join(Scope)}")


def scopes_of(names: Iterable[str]) -> frozenset[Scope]:
    """Raises WrongConfiguration for a name that is no scope."""
    try:
        return frozenset(Scope(name) for name in names)
    except ValueError as problem:
        raise WrongConfiguration(f"{problem}; the scopes are {', '.join(Scope)}") from None


def new_secret() -> tuple[str, str]:
    """An id and the secret `tally_<id>_<random>` with 192 random bits."""
    key_id = secrets.token_hex(_ID_BYTES)
    return key_id, f"tally_{key_id}_{secrets.token_hex(_RANDOM_BYTES)}"


def id_in(secret: str) -> str | None:
    """The id of the key whose secret this may be; None for text of another form."""
    match = _SECRET.fullmatch(secret)
    return match[1] if match else None


def hash_of(secret: str) -> bytes:
    """SHA-256. A slow hash would protect guessable passwords; 192 random bits need none."""
    return hashlib.sha256(secret.encode()).digest()


def is_secret_of(secret: str, expected_hash: bytes) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(hash_of(secret), expected_hash)
