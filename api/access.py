"""Who asks: a bearer key in, the organisation it may read or write out."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.errors import Forbidden, InvalidParameter, Unauthorized

READ, INGEST, ADMIN = "read", "ingest", "admin"
BEARER = HTTPBearer(
    auto_error=False,
    description="An API key with the scope that the route names, most often `read`: `./tally keys create`",
)


class ApiKey(Protocol):
    """A valid key; organization None means every organisation."""

    @property
    def id(self) -> str:
        """What the key is called where it leaves a trace."""

    @property
    def organization(self) -> str | None:
        """The organisation the key is bound to."""

    @property
    def scopes(self) -> Collection[str]:
        """What the key may be used for."""


class Keys(Protocol):
    """The keys of the installation."""

    def authenticate(self, secret: str) -> ApiKey | None:
        """The key of this secret, None when it is unknown, expired or revoked."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Someone who may read one organisation, or every one (None)."""

    organization: str | None

    def choose(self, asked: str | None) -> str | None:
        """The organisation to answer for; None means all together. Raises Forbidden for another's."""
        if self.organization is None:
            return asked
        if asked is not None and asked != self.organization:
            raise Forbidden(
                f"this key reads the organisation {self.organization!r} only, not {asked!r}; "
                "leave out organization or use another key"
            )
        return self.organization


@dataclass(frozen=True, slots=True)
class Writer:
    """Someone who may write to one organisation, or to every one (None); `author` says who in what is written."""

    organization: str | None
    author: str

    def about(self, asked: str | None) -> str | None:
        """The organisation that is meant, None for all of them together. Raises Forbidden for another's."""
        if self.organization is not None and asked not in (None, self.organization):
            raise Forbidden(
                f"this key writes to the organisation {self.organization!r} only, not to {asked!r}; "
                "leave out organization or use another key"
            )
        return self.organization if asked is None else asked

    def choose(self, asked: str | None) -> str:
        """The one organisation to write to. Raises as `about` does, and InvalidParameter when it is not said which."""
        chosen = self.about(asked)
        if chosen is None:
            raise InvalidParameter("organization: missing; this key is for all of them, so say which one is meant")
        return chosen


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


def reader(request: Request, credentials: Credentials) -> Reader:
    """The reader a request comes from. Runs in a thread: keys are looked up in a file.

    Raises Unauthorized without a valid key, Forbidden when it lacks the scope.
    """
    return Reader(_key(request, credentials, READ).organization)


def administrator(request: Request, credentials: Credentials) -> Writer:
    """Someone who may change what is known and what was counted. Raises Unauthorized and Forbidden."""
    return _writer(_key(request, credentials, ADMIN))


def sender(request: Request, credentials: Credentials) -> Writer:
    """Someone who may tell of what happened in their product. Raises Unauthorized and Forbidden."""
    return _writer(_key(request, credentials, INGEST, ADMIN))


def _writer(key: ApiKey) -> Writer:
    return Writer(key.organization, f"key {key.id}")


def _key(request: Request, credentials: HTTPAuthorizationCredentials | None, *scopes: str) -> ApiKey:
    """The key, when it has one of the scopes."""
    keys: Keys = request.app.state.keys
    if credentials is None:
        raise Unauthorized("no key was sent; send the header `Authorization: Bearer KEY`")
    key = keys.authenticate(credentials.credentials)
    if key is None:
        raise Unauthorized("the key is unknown, expired or revoked; `./tally keys list` shows those that are valid")
    if not set(scopes) & set(key.scopes):
        raise Forbidden(
            f"this key lacks the scope `{'` or `'.join(scopes)}`; "
            f"create one with `./tally keys create --scope {scopes[0]}`"
        )
    return key
