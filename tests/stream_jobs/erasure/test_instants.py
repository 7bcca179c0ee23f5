"""The warehouse's driver gives UTC without saying so: what is asked of it again means the same anywhere."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from stream_jobs.erasure import statements, texts
from stream_jobs.erasure.scope import Scope

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC).replace(tzinfo=None)
SCOPE = Scope("00000000-0000-0000-0000-000000000001", "acme", 0, 3, False)


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/New_York"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local time zone of the process."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("zone")
def test_an_instant_of_the_warehouse_is_utc_whatever_the_local_zone_is() -> None:
    assert "toDateTime64(1774699200, 3, 'UTC')" in statements.replaced_parts(["usage_raw"], NOON)
    conditions = [text for columns in texts.of_texts(SCOPE, NOON).values() for text in columns.values()]
    assert any("fromUnixTimestamp64Milli(toInt64(1774699200000), 'UTC')" in text for text in conditions)
    assert "toInt64(1774699200000)" in statements.of_bytes(SCOPE, NOON)["directory_entries"]
