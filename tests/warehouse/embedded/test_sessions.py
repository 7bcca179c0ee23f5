"""Sessions: of one user, for one request at a time, gone when idle, bounded."""

from typing import cast

import pytest

from warehouse.embedded.engine import EngineConnection
from warehouse.embedded.errors import ClickHouseError
from warehouse.embedded.sessions import Sessions, session_timeout_seconds

PINNED = cast(EngineConnection, object())


def test_a_session_serves_one_request_at_a_time() -> None:
    sessions = Sessions(10)
    first = sessions.acquire("ann", "s", must_exist=False, now=0)
    with pytest.raises(ClickHouseError, match="SESSION_IS_LOCKED") as caught:
        sessions.acquire("ann", "s", must_exist=False, now=0)
    assert caught.value.code == 373
    sessions.release(first, timeout_seconds=60, now=0)
    assert sessions.acquire("ann", "s", must_exist=True, now=59) is first


def test_users_do_not_share_sessions() -> None:
    sessions = Sessions(10)
    assert sessions.acquire("ann", "s", must_exist=False, now=0) is not sessions.acquire(
        "bob", "s", must_exist=False, now=0
    )


def test_an_idle_session_expires_and_its_connection_is_handed_back_once() -> None:
    sessions = Sessions(10)
    session = sessions.acquire("ann", "s", must_exist=False, now=0)
    session.connection = PINNED
    assert sessions.expire(now=1000) == []
    sessions.release(session, timeout_seconds=60, now=0)
    assert sessions.expire(now=59) == []
    with pytest.raises(ClickHouseError, match="SESSION_NOT_FOUND"):
        sessions.acquire("ann", "s", must_exist=True, now=60)
    assert sessions.expire(now=60) == [PINNED]
    assert sessions.expire(now=60) == []
    assert len(sessions) == 0


def test_sessions_that_hold_nothing_make_room_for_others() -> None:
    sessions = Sessions(2)
    for name in ("a", "b"):
        sessions.release(sessions.acquire("ann", name, must_exist=False, now=0), timeout_seconds=60, now=0)
    kept = sessions.acquire("ann", "c", must_exist=False, now=1)
    kept.connection = PINNED
    sessions.release(kept, timeout_seconds=60, now=1)
    sessions.acquire("ann", "d", must_exist=False, now=1)
    with pytest.raises(ClickHouseError, match="TOO_MANY_SIMULTANEOUS_QUERIES"):
        sessions.acquire("ann", "e", must_exist=False, now=1)


def test_a_timeout_is_a_number_of_seconds_up_to_an_hour() -> None:
    assert session_timeout_seconds(None) == 60
    assert session_timeout_seconds("3600") == 3600
    for text in ("3601", "-1", "x", ""):
        with pytest.raises(ClickHouseError) as caught:
            session_timeout_seconds(text)
        assert caught.value.code == 374
