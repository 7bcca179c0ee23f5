"""E24 end to end: after an erasure no byte of the user is on disk, and nobody else's numbers change."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from deploy.local.installation import Installation
from producers.keys.store import KeyStore
from tests.conftest import free_port_base
from tests.running import Tally, client_of, until

pytestmark = pytest.mark.integration
USER, OTHER = "zqx-forget-me-7c1e", "somebody-else"
THREAD = "zqx-thread-5b0d"
EVENTS = 40
SWEEP_SECONDS = 3
CLEARED_BY_TIME = ("kafka",)
"""Folders of the home in which only retention clears."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("erased") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TALLY_ERASURE_SWEEP_SECONDS", str(SWEEP_SECONDS))
        made = Installation(home, port_base=free_port_base(), partitions=2, workers=1, kafka_heap_mb=320)
        try:
            made.up(without=("superset", "api"))
            yield made
        finally:
            made.down()


def event(user: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "time": (datetime.now(UTC) - timedelta(days=number % 3)).isoformat(timespec="milliseconds"),
        "organization": "acme",
        "user_id": user,
        "thread_id": THREAD if user == USER else "thread",
        "provider": "openai",
        "model": "gpt-4o",
        "input_tokens": 1000 + number,
        "metadata": {"who": user},
        **more,
    }


@pytest.fixture(scope="module")
def secret(own: Installation) -> str:
    return KeyStore(own.home.keys).create(name="erased", organization=None, scopes={"ingest"})[1]


def send(installation: Installation, secret: str, events: list[dict[str, Any]]) -> None:
    address = f"http://127.0.0.1:{installation.plan.ports.collector}/v1/events"
    body = "\n".join(json.dumps(each) for each in events).encode()
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/x-ndjson"}
    with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=30) as answer:
        assert answer.status in (200, 202)


def numbers(installation: Installation, sql: str) -> list[tuple[Any, ...]]:
    with client_of(installation) as client:
        return [tuple(row) for row in client.query(sql).result_rows]


def files_with(installation: Installation, *texts: str) -> list[str]:
    """Files of the home that hold one of the texts, apart from those that only time clears."""
    home = installation.home.folder
    found = []
    for folder, names, files in os.walk(home):
        if Path(folder) == home:
            names[:] = [name for name in names if name not in (*CLEARED_BY_TIME, "environments")]
        for name in files:
            try:
                content = (Path(folder) / name).read_bytes()
            except OSError:
                continue
            if any(text.encode() in content for text in texts):
                found.append(str(Path(folder).relative_to(home) / name))
    return found


def test_no_byte_of_an_erased_user_stays(own: Installation, secret: str) -> None:
    tally = Tally(own)
    mine = [event(USER, number) for number in range(EVENTS)]
    others = [event(OTHER, number) for number in range(EVENTS)]
    send(own, secret, [*mine, *others])
    refused = event(USER, 1, input_tokens=-5)
    with pytest.raises(urllib.error.HTTPError, match="422"):
        send(own, secret, [refused])
    daily = "SELECT day, requests, cost_usd FROM usage_daily WHERE user_id = '{}' ORDER BY day"
    until("both are counted", lambda: sum(row[1] for row in numbers(own, daily.format(USER))) == EVENTS)
    until("the refusal is kept", lambda: numbers(own, "SELECT count() FROM rejected") == [(1,)])
    before = numbers(own, daily.format(OTHER))
    assert sum(row[1] for row in before) == EVENTS
    rated = f"{mine[0]['event_id']}@{mine[0]['time']}"
    tally("amend", "--organization", "acme", "--event", rated, "--set", "rating=4", "--yes", "--wait")
    assert numbers(own, daily.format(USER)) != []
    assert files_with(own, USER)

    tally("erase", "--organization", "acme", "--user", USER, "--yes", "--wait")
    assert numbers(own, daily.format(USER)) == []
    assert numbers(own, daily.format(OTHER)) == before
    send(own, secret, mine)  # copies stay copies
    duplicates = "SELECT sum(duplicates) FROM partition_progress FINAL"
    until("copies are known", lambda: numbers(own, duplicates) == [(EVENTS,)])

    complete = "SELECT toString(state) FROM erasures FINAL"
    until("the erasure is complete", lambda: numbers(own, complete) == [("complete",)], seconds=200)
    ids = [each["event_id"] for each in mine]
    until(
        "no file holds the user",
        lambda: not files_with(own, USER, THREAD, ids[0], refused["event_id"]),
        seconds=400,
    )
    for table in ("usage_raw", "event_id_lookup", "event_id_log", "corrections", "rejected", "awaited_events"):
        named = ", ".join(f"'{each}'" for each in ids)
        assert numbers(own, f"SELECT count() FROM {table} WHERE toString(event_id) IN ({named})") == [(0,)], table
    assert numbers(own, daily.format(OTHER)) == before
    assert tally("reconcile", check=False).returncode == 0
    certificate = json.loads(numbers(own, "SELECT certificate FROM erasures FINAL")[0][0])
    assert certificate["removed"]["events"] == EVENTS
    assert certificate["removed"]["rejected"] == 1
