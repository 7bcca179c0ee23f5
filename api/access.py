"""Who asks: a bearer key in, the organisation it may read out."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.errors import Forbidden, Unauthorized

READ = "read"
BEARER = HTTPBearer(auto_error=False, description="An API key with the scope `read`: `./tally keys create`")


class ApiKey(Protocol):
    """A valid key; organization None means every organisation."""

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


def reader(request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]) -> Reader:
    """The reader a request comes from. Runs in a thread: keys are looked up in a file.

    Raises Unauthorized without a valid key, Forbidden when it lacks the scope.
    """
    keys: Keys = request.app.state.keys
    if credentials is None:
        raise Unauthorized("no key was sent; send the header `Authorization: Bearer KEY`")
    key = keys.authenticate(credentials.credentials)
    if key is None:
        raise Unauthorized("the key is unknown, expired or revoked; `./tally keys list` shows those that are valid")
    if READ not in key.scopes:
        raise Forbidden("this key lacks the scope `read`; create one with `./tally keys create --scope read`")
    return Reader(key.organization)
