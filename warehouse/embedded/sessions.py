"""Sessions by user and session_id: one request at a time, gone when idle, bounded in number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from warehouse.embedded.errors import Fault, refused

if TYPE_CHECKING:
    from warehouse.embedded.engine import EngineConnection

DEFAULT_TIMEOUT_SECONDS = 60
MAX_TIMEOUT_SECONDS = 3600


@dataclass(slots=True)
class Session:
    """What lasts between requests.

    `connection` is pinned only once a statement left something behind (SET, USE, a temporary table): most sessions
    are a name that a client made up. `replaced` holds what the last request's own settings replaced on it.
    """

    user: str
    session_id: str
    expires_at: float = 0.0
    busy: bool = False
    connection: EngineConnection | None = None
    database: str = "default"
    replaced: dict[str, str | None] = field(default_factory=dict)


class Sessions:
    """All sessions. Belongs to the event loop: no method waits, none may be called from another thread."""

    def __init__(self, sessions_max: int) -> None:
        self._max = sessions_max
        self._sessions: dict[tuple[str, str], Session] = {}
        self._abandoned: list[EngineConnection] = []

    def __len__(self) -> int:
        return len(self._sessions)

    def acquire(self, user: str, session_id: str, *, must_exist: bool, now: float) -> Session:
        """The user's session, locked until `release`.

        Raises 373 while another request holds it, 372 when it must exist and does not, 202 when there are too many.
        """
        key = (user, session_id)
        session = self._sessions.get(key)
        if session is not None and not session.busy and session.expires_at <= now:
            self._forget(key)
            session = None
        if session is None:
            if must_exist:
                raise refused(Fault.SESSION_NOT_FOUND, f"Session {session_id} not found.")
            self._make_room()
            session = self._sessions[key] = Session(user, session_id)
        if session.busy:
            raise refused(Fault.SESSION_IS_LOCKED, f"Session {session_id} is locked by a concurrent client.")
        session.busy = True
        return session

    def release(self, session: Session, *, timeout_seconds: float, now: float) -> None:
        """Unlocks the session; it expires `timeout_seconds` from now unless it is used again."""
        session.busy = False
        session.expires_at = now + timeout_seconds

    def expire(self, now: float) -> list[EngineConnection]:
        """Forgets idle sessions and returns the connections that the caller must close."""
        for key in [key for key, found in self._sessions.items() if not found.busy and found.expires_at <= now]:
            self._forget(key)
        abandoned, self._abandoned = self._abandoned, []
        return abandoned

    def _forget(self, key: tuple[str, str]) -> None:
        connection = self._sessions.pop(key).connection
        if connection is not None:
            self._abandoned.append(connection)

    def _make_room(self) -> None:
        if len(self._sessions) < self._max:
            return
        for key, session in self._sessions.items():
            if not session.busy and session.connection is None:
                self._forget(key)  # nothing is lost with it
                return
        raise refused(
            Fault.TOO_MANY_SIMULTANEOUS_QUERIES, f"All {self._max} sessions are in use; wait until some have expired."
        )


def session_timeout_seconds(text: str | None) -> float:
    """The client's session_timeout. Raises 374 when it is no number from 0 to 3600."""
    if text is None:
        return DEFAULT_TIMEOUT_SECONDS
    if not text.isascii() or not text.isdigit() or int(text) > MAX_TIMEOUT_SECONDS:
        raise refused(
            Fault.INVALID_SESSION_TIMEOUT,
            f"Session timeout '{text}' must be a number of seconds from 0 to {MAX_TIMEOUT_SECONDS}.",
        )
    return int(text)
