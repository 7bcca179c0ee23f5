"""The supervisor of an installation: services in, a running supervisord that restarts them out."""

import http.client
import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from deploy.errors import NotRunning, ServiceFailed
from deploy.local.home import ROOT, Home
from deploy.local.services import Service

POLL_SECONDS = 0.1
IDLE = frozenset({"STOPPED", "EXITED", "FATAL"})
"""States in which a service has no process and gets none by itself."""

CONFIG_HEAD = """; Written by ./tally up from the services of deploy.local.services; changes here are lost.
[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
directory={root}
pidfile={run}/supervisord.pid
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
loglevel=info
umask=077
"""

# Restarts never end. After an exit in the first second the pause grows by a second each time, to ten at most.
CONFIG_PROGRAM = """
[program:{name}]
command={command}
directory={root}
environment={environment}
autostart=false
autorestart=true
startsecs=1
startretries=1000000
stopsignal=TERM
stopwaitsecs={stop_seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What the supervisor knows about a service."""

    name: str
    state: str
    """STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED or FATAL."""
    pid: int
    started: int
    """Unix time of the last start."""


def config_text(home: Home, services: Sequence[Service]) -> str:
    """Text of supervisord's settings file."""
    head = CONFIG_HEAD.format(socket=home.supervisor_socket, root=ROOT, run=home.run, logs=home.logs)
    programs = [
        CONFIG_PROGRAM.format(
            name=service.name,
            command=command_line(service.command),
            environment=environment_line(service.environment),
            stop_seconds=service.stop_seconds,
            root=ROOT,
            logs=home.logs,
        )
        for service in services
    ]
    return head + "".join(programs)


def command_line(words: Sequence[str]) -> str:
    """A command as supervisord splits it: by the rules of a shell."""
    return unexpanded(shlex.join(words))


def environment_line(variables: Mapping[str, str]) -> str:
    """Variables as supervisord reads them: in quotes of one kind, inside which nothing is escaped."""
    pairs = (f"{name}='{value}'" if '"' in value else f'{name}="{value}"' for name, value in variables.items())
    return unexpanded(",".join(pairs))


def unexpanded(text: str) -> str:
    """Text with supervisord's expansion character doubled."""
    return text.replace("%", "%%")


class Supervisor:
    """Talks to the supervisord of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._config = home.run / "supervisord.conf"

    def is_running(self) -> bool:
        """True when supervisord answers."""
        try:
            self._call("getSupervisorVersion")
        except NotRunning:
            return False
        return True

    def start(self, services: Sequence[Service]) -> None:
        """Starts supervisord, or hands new and changed services to the one that runs. Starts no service."""
        text = config_text(self._home, services)
        known = self._config.read_text() if self._config.exists() else ""
        if text != known:
            self._config.write_text(text)
        if not self.is_running():
            self._spawn()
        elif text != known:
            self._reload()

    def _spawn(self) -> None:
        for stale in (self._home.supervisor_socket, self._home.run / "supervisord.pid"):
            stale.unlink(missing_ok=True)
        command = [sys.executable, "-m", "deploy.local.supervisord", "--configuration", str(self._config)]
        environment = os.environ | {"TALLY_HOME": str(self._home.folder), "TALLY_SERVICE": "supervisor"}
        result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise ServiceFailed(f"the supervisor did not start: {(result.stderr or result.stdout).strip()}")

    def _reload(self) -> None:
        ((added, changed, removed),) = self._call("reloadConfig")
        for name in (*changed, *removed):
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        for name in (*added, *changed):
            self._call("addProcessGroup", name)

    def states(self) -> dict[str, ProcessState]:
        """All services by name. Raises NotRunning."""
        return {
            entry["name"]: ProcessState(entry["name"], entry["statename"], entry["pid"], entry["start"])
            for entry in self._call("getAllProcessInfo")
        }

    def start_service(self, name: str) -> None:
        """Starts a service that does not run; returns without waiting."""
        if self.states()[name].state in IDLE:
            self._call("startProcess", name, False)

    def stop_together(self, names: Collection[str], *, deadline_seconds: float) -> None:
        """Stops services at the same time and waits until they are gone, at most until the deadline."""
        for name in names:
            if self.states()[name].state not in IDLE:
                self._call("stopProcess", name, False)
        deadline = time.monotonic() + deadline_seconds
        while time.monotonic() < deadline and any(self.states()[name].state not in IDLE for name in names):
            time.sleep(POLL_SECONDS)

    def shutdown(self) -> None:
        """Asks supervisord to stop what still runs and itself; returns without waiting."""
        self._call("shutdown")

    def _call(self, method: str, *arguments: object) -> Any:
        transport = SupervisorTransport("", "", f"unix://{self._home.supervisor_socket}")
        server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(server.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise ServiceFailed(f"the supervisor refused {method} {arguments}: {fault.faultString}") from fault
        except (OSError, http.client.HTTPException) as absent:
            raise NotRunning("nothing runs here; start it with ./tally up") from absent
        finally:
            transport.close()
