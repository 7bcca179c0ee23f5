"""Many workers on a running installation: more, fewer, spare ones, one after the other, and a stopped one."""

import re
from collections.abc import Iterator

import psutil
import pytest

from deploy.local.installation import Installation
from deploy.local.told import Told
from tests.conftest import free_port_base
from tests.running import until

pytestmark = pytest.mark.integration
WITHOUT = ("superset", "collector", "api", "rejects")
PARTITIONS = (0, 1)
SESSION_SECONDS = 20.0


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One worker for two partitions."""
    made = Installation(tmp_path_factory.mktemp("home"), port_base=free_port_base(), workers=1, partitions=2)
    try:
        made.up(without=WITHOUT)
        yield made
    finally:
        made.down()


def with_workers(installation: Installation, count: int) -> Installation:
    """The same home with another number of workers."""
    base = installation.settings.port_base
    changed = Installation(installation.home.folder, port_base=base, workers=count, partitions=2)
    changed.up(without=WITHOUT)
    return changed


def told(installation: Installation) -> dict[str, Told]:
    """What each running worker says."""
    found = {s.name: Told.read(installation.home.run, s.name, s.pid) for s in installation.status()}
    return {name: one for name, one in found.items() if name.startswith("worker") and one is not None}


def pids(installation: Installation) -> dict[str, int]:
    return {service.name: service.pid for service in installation.status() if service.pid}


def shared(installation: Installation, workers: int) -> bool:
    """Whether so many workers have partitions, and together each one once."""
    owned = [one.partitions for one in told(installation).values() if one.partitions and one.ready]
    return len(owned) == workers and sorted(number for part in owned for number in part) == list(PARTITIONS)


def ended(installation: Installation, how: str) -> list[str]:
    """The services whose process ended, in order. how: "stopped" by the supervisor, or "exited" by itself."""
    return re.findall(rf"[A-Z]+ {how}: (\S+) ", (installation.home.logs / "supervisord.log").read_text())


def said_at_last(installation: Installation, names: list[str]) -> str:
    """The end of what each service logged: why a process left that nobody stopped."""
    logs = installation.home.logs
    return "\n".join(line for name in names for line in (logs / f"{name}.log").read_text().splitlines()[-20:])


def test_workers_join_stand_by_leave_and_restart(one: Installation) -> None:
    until("one worker has everything", lambda: shared(one, 1))
    before = pids(one)
    three = with_workers(one, 3)
    until("two workers share, one stands by", lambda: shared(three, 2))
    until("the spare one says so", lambda: sum(each.standby for each in told(three).values()) == 1)
    spare = next(name for name, each in told(three).items() if each.standby)
    (status,) = (service for service in three.status() if service.name == spare)
    assert (status.state, status.waits_for) == ("running", "nothing: stands by, all partitions are taken")
    assert before.items() <= pids(three).items()

    for name in three.named(["workers"]):
        pid, stopped = pids(three)[name], len(ended(three, "stopped"))
        three.restart(name)
        assert ended(three, "stopped")[stopped:] == [name]
        assert pids(three)[name] != pid
    until("the restarted workers share again", lambda: shared(three, 2))
    # A worker may leave when something unexpected happens to it, and its successor goes on; not each time.
    left = ended(three, "exited")
    assert len(left) <= 1, said_at_last(three, left)

    former = pids(three)
    fewer = with_workers(three, 1)
    # Less than the session: the removed members were taken out of the group.
    until("the one left has everything", lambda: shared(fewer, 1), seconds=SESSION_SECONDS)
    assert pids(fewer)["worker-0"] == former["worker-0"]

    psutil.Process(former["worker-0"]).suspend()
    fewer.restart("worker-0")
    assert not psutil.pid_exists(former["worker-0"])
    until("its successor has everything", lambda: shared(fewer, 1))
