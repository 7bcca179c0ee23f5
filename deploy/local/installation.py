"""An installation on one machine: a home folder in; up, down and status out."""

import contextlib
import fcntl
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.errors import RestoreUnfinished, WrongSetting
from deploy.local import health, ports, processes
from deploy.local.home import Home
from deploy.local.kafka import consumer_group
from deploy.local.secrets import Secrets
from deploy.local.services import Plan, Service
from deploy.local.settings import LocalSettings
from deploy.local.startup import START_SECONDS, Report, Startup
from deploy.local.supervision import IDLE, ProcessState, Supervisor
from stream_jobs.worker.settings import WorkerSettings

STOP_SECONDS = 60.0
STORES = ("kafka", "warehouse")


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What a person sees of one service."""

    name: str
    state: str
    """running, waiting or stopped."""
    pid: int
    uptime_seconds: float
    memory_bytes: int
    address: str
    waits_for: str


def member_id(worker: str) -> str:
    """The static id of a worker in the consumer group."""
    return WorkerSettings(worker_id=int(worker.rpartition("-")[2])).member_id


class Installation:
    """Everything under one home folder. Commands and tests use the same one."""

    def __init__(self, folder: Path, **given: object) -> None:
        """`given` are settings by name (`port_base=9700`); see LocalSettings. Raises WrongSetting."""
        self.home = Home(folder.resolve())
        self.settings = LocalSettings.load(self.home.settings, **given)
        self.plan = Plan(self.home, self.settings)
        self.supervisor = Supervisor(self.home)

    @classmethod
    def from_environment(cls, **given: object) -> "Installation":
        """The installation that TALLY_HOME names; `given` are settings by name."""
        return cls(Home.from_environment().folder, **given)

    def up(self, *, without: Collection[str] = (), report: Report = lambda _: None, restoring: bool = False) -> None:
        """Starts what does not run yet and returns when all of it serves. Changes nothing when all does.

        `without` names services to leave as they are ("worker" means all of them). restoring: asked by the restore.
        Raises Missing, PortTaken, WrongSetting, RestoreUnfinished or ServiceFailed.
        """
        self.home.make()
        with self._alone():
            if not restoring:
                self._refuse_half_restored()
            self._refuse_moving()
            if not self.supervisor.is_running():
                processes.end(processes.of_home(self.home))
            wanted = [service for service in self.plan.services() if service.kind not in without]
            ports.require_free(self._ports_to_take(wanted))
            self.settings.remember(self.home.settings)
            Secrets(self.home.secrets).make()
            surplus = self._surplus_workers()
            self.supervisor.start(self.plan.services())
            if surplus:
                group = WorkerSettings().consumer_group
                consumer_group.remove(self.plan.kafka_bootstrap, group, [member_id(name) for name in surplus])
            Startup(self.plan, self.supervisor, frozenset(service.name for service in wanted), report).run()

    def down(self) -> bool:
        """Stops every process of this home, also those whose supervisor died. False when there was none."""
        if not self.home.run.exists():
            return False
        with self._alone():
            found = processes.of_home(self.home)
            if self.supervisor.is_running():
                for services in self._stopping_order():
                    self.supervisor.stop_together(services, deadline_seconds=STOP_SECONDS)
                self.supervisor.shutdown()
                psutil.wait_procs(found, timeout=STOP_SECONDS)
            processes.end(processes.of_home(self.home))
            return bool(found)

    def _stopping_order(self) -> list[list[str]]:
        """Kafka and the warehouse go last: those that write to them may still have something to write."""
        names = list(self.supervisor.states())
        stores = [name for name in names if name in STORES]
        return [[name for name in names if name not in STORES], stores]

    def status(self) -> list[ServiceStatus]:
        """Every service as it is now; all are stopped when nothing runs."""
        states = self.supervisor.states() if self.supervisor.is_running() else {}
        return [self._status(service, states) for service in self.plan.services()]

    def environment(self, user: str = "tally") -> dict[str, str]:
        """Variables with which a command reaches this installation, asking the warehouse as that user."""
        variables = self.plan.environment("", user)
        del variables["TALLY_SERVICE"], variables["PYTHONUNBUFFERED"]
        return variables

    def wait_until_ready(self, name: str, *, deadline_seconds: float = START_SECONDS) -> None:
        """Returns when the service serves. Raises ServiceFailed."""
        health.wait_until_ready(self._service(name), self.supervisor, self.home, deadline_seconds=deadline_seconds)

    def _service(self, name: str) -> Service:
        for service in self.plan.services():
            if service.name == name:
                return service
        names = ", ".join(service.name for service in self.plan.services())
        raise WrongSetting(f"there is no service {name!r}; there are {names}")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one command starts or stops at a time; the others wait."""
        with open(self.home.run / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def restart(self, name: str) -> float:
        """Stops a service and starts it again; returns after how many seconds it served. Raises ServiceFailed.

        The old process is dead before the new one starts: the supervisor has waited for it.
        """
        service, began = self._service(name), time.monotonic()
        with self._alone():
            self._refuse_half_restored()
            self.supervisor.stop_together([name], deadline_seconds=service.stop_seconds + STOP_SECONDS)
            self.supervisor.start_service(name)
            self.wait_until_ready(name)
        return time.monotonic() - began

    def named(self, wanted: Collection[str]) -> list[str]:
        """Services by name or kind (worker, workers), in the order people read them. Raises WrongSetting."""
        known = self.plan.services()
        for name in wanted:
            if not any(name in (service.name, service.kind, f"{service.kind}s") for service in known):
                self._service(name)
        return [service.name for service in known if {service.name, service.kind, f"{service.kind}s"} & set(wanted)]

    def _surplus_workers(self) -> list[str]:
        """Workers that run and are not wanted any more."""
        running = self.supervisor.states() if self.supervisor.is_running() else {}
        wanted = {service.name for service in self.plan.services()}
        return [name for name in running if name.startswith("worker-") and name not in wanted]

    def running(self) -> list[str]:
        """The services that have a process, or get one again by themselves."""
        states = self.supervisor.states() if self.supervisor.is_running() else {}
        return [name for name, process in states.items() if process.state not in IDLE]

    def stop(self, names: Collection[str]) -> None:
        """Stops these services; those that are written to after those that write."""
        with self._alone():
            for services in self._stopping_order() if self.supervisor.is_running() else ():
                wanted = [name for name in services if name in names]
                self.supervisor.stop_together(wanted, deadline_seconds=STOP_SECONDS)

    def _refuse_half_restored(self) -> None:
        """Workers on half a restore would take what is missing for never counted."""
        if self.home.restoring.exists():
            raise RestoreUnfinished(
                f"a restore was not finished ({self.home.restoring}): repeat it with the same ./tally restore, or give "
                "it up with ./tally restore --abandon"
            )

    def _refuse_moving(self) -> None:
        """A running installation keeps its ports."""
        running = LocalSettings.remembered_port_base(self.home.settings)
        wanted = self.settings.port_base
        if running not in (None, wanted) and self.supervisor.is_running():
            raise WrongSetting(
                f"this installation runs with TALLY_PORT_BASE={running}; "
                f"to move it to {wanted}: ./tally down, then TALLY_PORT_BASE={wanted} ./tally up"
            )

    def _ports_to_take(self, wanted: Sequence[Service]) -> list[tuple[str, int]]:
        """Ports of the wanted services that do not run yet."""
        states = self.supervisor.states() if self.supervisor.is_running() else {}
        idle = [service for service in wanted if service.name not in states or not states[service.name].pid]
        return [(service.name, port) for service in idle for port in service.ports]

    def _status(self, service: Service, states: Mapping[str, ProcessState]) -> ServiceStatus:
        process = states.get(service.name)
        if process is None or process.state == "STOPPED":
            return ServiceStatus(service.name, "stopped", 0, 0.0, 0, service.address, "")
        reason = health.waits_for(service, process) or service.trouble(process.pid)
        return ServiceStatus(
            service.name,
            "waiting" if reason else "running",
            process.pid,
            max(0.0, time.time() - process.started) if process.pid else 0.0,
            processes.memory_bytes(process.pid),
            service.address,
            reason or service.idleness(process.pid),
        )
