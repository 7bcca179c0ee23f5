"""Rule E24 on real processes: a worker that froze while it wrote a user's events, and wakes when the user is erased.

What it still has in memory and on its way comes into the warehouse after the erasure, or after it was complete. In the
end nothing of the user is anywhere, and everybody else's sums are what they were.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psutil
import pytest

from deploy.local.installation import Installation
from deploy.local.told import Told
from producers.keys.store import KeyStore
from tests.conftest import free_port_base
from tests.integration.erasing import event, numbers, send, until_no_file_holds
from tests.running import Tally, until

pytestmark = pytest.mark.chaos
WORKERS = ("worker-0", "worker-1")
WITHOUT = ("superset", "api", "auditor", "watchdog")
"""The watchdog would end what is frozen; what a machine freezes as a whole it cannot see."""
ORDER, THAWED = "write.stop", "write.thawed"
"""Files of stopping_worker.py, which says what they are."""
SWEEP_SECONDS = 20
SECONDS = 480.0
OTHER = "somebody-else"
COUNTED = "SELECT count() FROM usage_raw FINAL WHERE user_id = '{}'"
COSTS = """SELECT sum(requests), sum(cost_nano_usd), sum(credits_micro) FROM {} FINAL
WHERE grain = 'quarter' AND organization = 'acme' AND user_id = '{}'"""
TABLES = ("usage_raw", "event_id_log", "event_id_lookup", "rollup", "rollup_thread", "erased_events", "erased_users")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two workers, one partition each; both stop when they are told to."""
    home = tmp_path_factory.mktemp("thawed") / "home"
    command = [sys.executable, "-m", "tests.chaos.stopping_worker"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TALLY_ERASURE_SWEEP_SECONDS", str(SWEEP_SECONDS))
        patch.setenv("TALLY_SESSION_SECONDS", "8")
        made = Installation(home, port_base=free_port_base(), partitions=2, workers=len(WORKERS), kafka_heap_mb=320)
        try:
            made.up(without=(*WITHOUT, "worker"))
            services = made.plan.services()
            made.supervisor.start([replace(s, command=command) if s.name in WORKERS else s for s in services])
            for name in WORKERS:
                made.supervisor.start_service(name)
            until("both have a partition", lambda: all(len(partitions(made, name)) == 1 for name in WORKERS), SECONDS)
            yield made
        finally:
            for each in frozen(made):
                each.resume()
            made.down()


@pytest.fixture(scope="module")
def secret(two: Installation) -> str:
    return KeyStore(two.home.keys).create(name="thawed", organization=None, scopes={"ingest"})[1]


def processes(installation: Installation) -> dict[str, psutil.Process]:
    states = installation.supervisor.states()
    return {name: psutil.Process(states[name].pid) for name in WORKERS if states[name].pid}


def frozen(installation: Installation) -> list[psutil.Process]:
    return [each for each in processes(installation).values() if each.status() == psutil.STATUS_STOPPED]


def partitions(installation: Installation, name: str) -> tuple[int, ...]:
    pid = installation.supervisor.states()[name].pid
    told = Told.read(installation.home.run, name, pid)
    return told.partitions if told is not None and told.ready else ()


def sums(installation: Installation, user: str) -> list[tuple[Any, ...]]:
    return numbers(installation, COSTS.format("rollup", user))


def rows_left(installation: Installation, user: str, ids: str) -> list[str]:
    """Tables that tell of the user or of one of the events."""
    found = []
    for table in TABLES:
        column = "thread_id" if table in ("rollup_thread", "erased_events") else "user_id"
        of_user = f"position({column}, '{user}') > 0"
        where = f"toString(event_id) IN ({ids})" if table.startswith("event_id") else of_user
        if numbers(installation, f"SELECT count() FROM {table} WHERE {where}") != [(0,)]:
            found.append(table)
    return found


@pytest.mark.parametrize(
    ("table", "once_complete"),
    [
        ("usage_raw", True),
        ("rollup", False),
        pytest.param("usage_raw", False, marks=pytest.mark.long),
        pytest.param("rollup", True, marks=pytest.mark.long),
    ],
)
def test_e24_what_a_frozen_process_writes_after_an_erasure_does_not_stay(
    two: Installation, secret: str, table: str, *, once_complete: bool
) -> None:
    tally, user = Tally(two), f"zqx-{table}-{'complete' if once_complete else 'erased'}-9b3e"
    before = numbers(two, COUNTED.format(OTHER))[0][0]
    first = [event(who, number) for number in range(10) for who in (user, OTHER)]
    send(two, secret, first)
    until("all are counted", lambda: numbers(two, COUNTED.format(user)) == [(10,)], SECONDS)
    run = two.home.run
    for left in (*run.glob("*.stopping"), run / THAWED):
        left.unlink(missing_ok=True)
    (run / ORDER).write_text(table)
    second = [event(who, number) for number in range(10) for who in (user, OTHER)]
    send(two, secret, second)
    until("one stops in the middle of a write", lambda: len(frozen(two)) == 1, SECONDS)
    [stopped] = frozen(two)
    until("the other one counts", lambda: sums(two, user)[0][0] == 20, SECONDS)
    assert numbers(two, COUNTED.format(OTHER)) == [(before + 20,)]
    others = sums(two, OTHER)

    tally("erase", "--organization", "acme", "--user", user, "--yes", "--wait")
    assert numbers(two, COUNTED.format(user)) == [(0,)]
    newest = "SELECT toString(state), certificate FROM erasures FINAL ORDER BY asked DESC LIMIT 1"
    complete = lambda: numbers(two, newest)[0][0] == "complete"  # noqa: E731
    if once_complete:
        until("the erasure is complete", complete, SECONDS)
    else:
        assert numbers(two, newest)[0][0] == "erased"
    assert frozen(two) == [stopped]
    stopped.resume()
    until("it writes what it had", (run / THAWED).exists, SECONDS)

    ids = ", ".join(f"'{one['event_id']}'" for one in first + second if one["user_id"] == user)
    until("no row is left", lambda: rows_left(two, user, ids) == [], SECONDS)
    named = first[0]["event_id"], second[0]["event_id"], second[-2]["event_id"]
    until_no_file_holds(two, user, *named, seconds=SECONDS)
    until("the erasure is complete", complete, SECONDS)
    assert rows_left(two, user, ids) == []
    assert sums(two, OTHER) == others
    assert numbers(two, COUNTED.format(OTHER)) == [(before + 20,)]
    certificate = json.loads(numbers(two, newest)[0][1])
    assert certificate["removed"]["events"] == 20
    assert {"swept", "complete"} <= certificate.keys()
    until("both have a partition again", lambda: all(partitions(two, name) for name in WORKERS), SECONDS)
    assert tally("reconcile", check=False).returncode == 0
    assert sums(two, OTHER) == others
