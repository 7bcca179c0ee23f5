"""The faults that an installation recovers from: a scene in, seconds against their bars out."""

import json
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import psutil

from deploy.local.installation import Installation
from deploy.local.ports import Ports
from tests.benchmarks.recovery.stalls import Sampler, longest_stalls
from tests.benchmarks.recovery.steady_load import SteadyLoad
from tests.benchmarks.scene import pid_of

WITHOUT = ("superset", "collector", "api")
WORKERS = 3
SESSION_SECONDS = 20.0
SETTLE_SECONDS = 8.0
CAUGHT_UP_SECONDS = 4.0
"""So much of the load may be on its way."""
DEADLINE_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured time; bar None: for comparison only."""

    what: str
    seconds: float
    bar_seconds: float | None = None


@dataclass(slots=True)
class Scene:
    """A running installation under load."""

    installation: Installation
    load: SteadyLoad
    sampler: Sampler

    def wait(self, what: str, condition: Callable[[], bool]) -> float:
        """Returns when it came true (monotonic s); ends the benchmark when it does not."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"{what} did not happen within {DEADLINE_SECONDS:.0f} s")
            time.sleep(0.05)
        return time.monotonic()

    def caught_up(self) -> float:
        """Returns when little is left to apply."""

        def done() -> bool:
            if not self.sampler.samples:
                return False
            last = self.sampler.samples[-1]
            left = sum(max(0, end - last.applied.get(number, -1) - 1) for number, end in self.load.ends.items())
            return left <= (0 if self.load.stopped.is_set() else CAUGHT_UP_SECONDS * self.load.envelopes_per_second)

        return self.wait("catching up", done)

    def settled(self) -> None:
        """Under load and without a fault for a while."""
        self.caught_up()
        time.sleep(SETTLE_SECONDS)

    def owned(self, name: str) -> list[int]:
        """The partitions of a worker."""
        told = json.loads((self.installation.home.run / f"{name}.json").read_text())
        return [int(number) for number in told["partitions"]]

    def stalls(self, since: float, until: float) -> dict[int, float]:
        """The longest stall of each partition in a window."""
        return longest_stalls(self.sampler.between(since, until))

    def with_workers(self, count: int) -> None:
        """The same installation with another number of workers."""
        base = self.installation.settings.port_base
        self.installation = Installation(self.installation.home.folder, port_base=base, workers=count)
        self.installation.up(without=WITHOUT)

    def replaced(self, name: str, pid: int) -> Callable[[], bool]:
        """Whether another process serves under the name."""
        run = self.installation.home.run / f"{name}.ready"
        return lambda: run.exists() and run.read_text().strip() not in ("", str(pid))


def listens(port: int) -> Callable[[], bool]:
    """Whether somebody accepts connections."""

    def ask() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
        except OSError:
            return False
        return True

    return ask


def of(stalls: dict[int, float], partitions: Iterable[int]) -> float:
    """The longest among some partitions."""
    return max((stalls.get(number, 0.0) for number in partitions), default=0.0)


def usual(scene: Scene) -> list[Figure]:
    """For comparison: nothing happens."""
    scene.settled()
    began = time.monotonic()
    time.sleep(10)
    return [Figure("longest stall without a fault", max(scene.stalls(began, time.monotonic()).values()))]


def grow(scene: Scene) -> list[Figure]:
    """From one worker to three."""
    scene.with_workers(1)
    scene.settled()
    began = time.monotonic()
    scene.with_workers(WORKERS)
    scene.settled()
    longest = max(scene.stalls(began, time.monotonic()).values())
    return [Figure("rebalance from 1 to 3 workers: longest stall of any partition", longest, SESSION_SECONDS + 10)]


def kill_worker(scene: Scene) -> list[Figure]:
    """kill -9 of one of three; the supervisor starts it again under the same id."""
    scene.with_workers(WORKERS)
    scene.settled()
    mine = scene.owned("worker-1")
    others = set(scene.load.ends) - set(mine)
    began, pid = time.monotonic(), pid_of(scene.installation, "worker-1")
    psutil.Process(pid).send_signal(signal.SIGKILL)
    scene.wait("a successor", scene.replaced("worker-1", pid))
    scene.settled()
    stalls = scene.stalls(began, time.monotonic())
    return [
        Figure("worker killed, same id: longest stall of its partitions", of(stalls, mine), 6),
        Figure("worker killed: longest stall of the other workers' partitions", of(stalls, others)),
    ]


def kill_warehouse(scene: Scene) -> list[Figure]:
    """kill -9 of the warehouse."""
    return _kill_store(scene, "warehouse", Ports(scene.installation.settings.port_base).warehouse, 10)


def kill_broker(scene: Scene) -> list[Figure]:
    """kill -9 of Kafka."""
    return _kill_store(scene, "kafka", Ports(scene.installation.settings.port_base).kafka, 30)


def _kill_store(scene: Scene, name: str, port: int, bar: float) -> list[Figure]:
    scene.with_workers(WORKERS)
    scene.settled()
    pids = worker_pids(scene)
    began = time.monotonic()
    psutil.Process(pid_of(scene.installation, name)).send_signal(signal.SIGKILL)
    scene.wait("the end of the port", lambda: not listens(port)())
    answered = scene.wait("an answer", listens(port))
    partitions = list(scene.load.ends)
    scene.wait("all partitions move", lambda: scene.sampler.moved_after(answered, partitions) is not None)
    moved = scene.sampler.moved_after(answered, partitions) or 0.0
    scene.settled()
    changed = sum(a != b for a, b in zip(pids, worker_pids(scene), strict=True))
    return [
        Figure(f"{name} killed: until its port answers", answered - began),
        Figure(
            f"{name} killed: from then until every partition moves ({changed} workers replaced)", moved - answered, bar
        ),
    ]


def worker_pids(scene: Scene) -> list[int]:
    """Process ids of the workers."""
    return [service.pid for service in scene.installation.status() if service.name.startswith("worker")]


def freeze(scene: Scene) -> list[Figure]:
    """A worker that hangs, in each way it can: until its successor serves."""
    scene.with_workers(WORKERS)
    figures = []
    services = [
        replace(service, command=[sys.executable, "-m", "tests.chaos.freezing_worker"])
        if service.name == "worker-1"
        else service
        for service in scene.installation.plan.services()
    ]
    scene.installation.supervisor.start(services)
    scene.installation.supervisor.start_service("worker-1")
    scene.installation.wait_until_ready("worker-1")
    for kind in ("loop", "agent", "thread", "stopped"):
        scene.settled()
        mine, pid, began = scene.owned("worker-1"), pid_of(scene.installation, "worker-1"), time.monotonic()
        if kind == "stopped":
            psutil.Process(pid).suspend()
        else:
            (scene.installation.home.run / "worker-1.freeze").write_text(kind)
        replaced = scene.wait("a successor", scene.replaced("worker-1", pid))
        scene.settled()
        stalled = of(scene.stalls(began, time.monotonic()), mine)
        figures += [
            Figure(f"worker frozen ({kind}): until its successor serves", replaced - began, 60),
            Figure(f"worker frozen ({kind}): longest stall of its partitions", stalled),
        ]
    scene.installation.supervisor.start(scene.installation.plan.services())
    return figures


def outage(scene: Scene, length: float, *, hung: bool) -> list[Figure]:
    """The warehouse is away for long: nothing is killed, and everything catches up."""
    scene.with_workers(WORKERS)
    scene.settled()
    installation = scene.installation
    watched = ("worker-0", "worker-1", "worker-2", "rejects", "watchdog", "kafka")
    pids = {name: pid_of(installation, name) for name in watched}
    process = psutil.Process(pid_of(installation, "warehouse"))
    if hung:
        process.suspend()
    else:
        installation.supervisor.stop_together(["warehouse"], deadline_seconds=60)
    time.sleep(length)
    if hung:
        process.resume()
    else:
        installation.supervisor.start_service("warehouse")
    answered = scene.wait("an answer", listens(Ports(installation.settings.port_base).warehouse))
    partitions = list(scene.load.ends)
    scene.wait("all partitions move", lambda: scene.sampler.moved_after(answered, partitions) is not None)
    moved = scene.sampler.moved_after(answered, partitions) or 0.0
    done = scene.caught_up()
    changed = [name for name in watched if pid_of(installation, name) != pids[name]]
    what = f"warehouse {'hung' if hung else 'away'} for {length:.0f} s ({', '.join(changed) or 'nothing'} replaced)"
    return [
        Figure(f"{what}: from its answer until every partition moves", moved - answered, 10),
        Figure(f"{what}: until everything is applied", done - answered),
    ]


SCENARIOS: dict[str, Callable[[Scene], list[Figure]]] = {
    "usual": usual,
    "grow": grow,
    "kill-worker": kill_worker,
    "kill-warehouse": kill_warehouse,
    "kill-broker": kill_broker,
    "freeze": freeze,
}
