"""Which port each service has, and who holds one that should be free."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from deploy.errors import PortTaken


@dataclass(frozen=True, slots=True)
class Ports:
    """All ports of an installation, counted from one base."""

    base: int

    @property
    def collector(self) -> int:
        """Takes usage events."""
        return self.base + 1

    @property
    def api(self) -> int:
        """Answers questions."""
        return self.base + 2

    @property
    def warehouse(self) -> int:
        """ClickHouse's HTTP interface."""
        return self.base + 3

    @property
    def superset(self) -> int:
        """Dashboards."""
        return self.base + 4

    @property
    def kafka(self) -> int:
        """Kafka's broker."""
        return self.base + 5

    @property
    def kafka_controller(self) -> int:
        """Kafka's own quorum."""
        return self.base + 6

    @property
    def auditor_metrics(self) -> int:
        """Metrics of the audit."""
        return self.base + 8

    def worker_metrics(self, worker: int) -> int:
        """Metrics of a stream worker."""
        return self.base + 10 + worker


def is_free(port: int) -> bool:
    """True when a service could listen on the port of this machine now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def owner(port: int) -> str:
    """Who listens on a port, as far as this user may know: process id and command."""
    try:
        sockets = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        sockets = []
    for entry in sockets:
        if entry.laddr and entry.laddr.port == port and entry.status == psutil.CONN_LISTEN and entry.pid:
            return describe(entry.pid)
    return "a process of another user"


def describe(pid: int) -> str:
    """A process as a person recognises it, also when it belongs to another installation of ours."""
    try:
        process = psutil.Process(pid)
        home = process.environ().get("TALLY_HOME")
        belongs = f" of the installation in {home}" if home else ""
        return f"process {pid} ({' '.join(process.cmdline())[:60]} …){belongs}"
    except psutil.Error:
        return f"process {pid}"


def require_free(ports: Iterable[tuple[str, int]]) -> None:
    """Raises PortTaken naming every taken port with its owner."""
    taken = [f"port {port} of {name} is taken by {owner(port)}" for name, port in ports if not is_free(port)]
    if taken:
        raise PortTaken("; ".join(taken) + ". Stop it, or choose other ports: TALLY_PORT_BASE=9700 ./tally up")
