"""A real embedded warehouse for tests: its own process, port, home and users."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import clickhouse_connect
import httpx
from clickhouse_connect.driver.client import Client

from warehouse.embedded.users import User, password_hash, read_users, write_users

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 30.0
STOP_SECONDS = 15.0
WAIT_SECONDS = 60.0
LIMITS = {"max_execution_time": "2", "max_result_rows": "5000", "max_memory_usage": "500000000"}
FILTERS = {"default.usage": "organization = 'acme'"}
USERS = {
    "tally": User("tally", password_hash("tally-secret"), "writer"),
    "analyst": User("analyst", password_hash("analyst-secret"), "reader", LIMITS),
    "changing": User("changing", password_hash("changing-secret"), "writer"),
    "acme": User("acme", password_hash("acme-secret"), "reader", {}, FILTERS),
    "inserting": User("inserting", password_hash("inserting-secret"), "reader", inserts=("default.notes",)),
}


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], bool]) -> None:
    """Returns when the condition holds; fails when it does not in time."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@dataclass
class RunningWarehouse:
    """One process; `start` and `kill` may be repeated, the data stay in `home`."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def users_file(self) -> Path:
        return self.home / "secrets" / "warehouse_users.json"

    def start(self) -> "RunningWarehouse":
        """Starts the process and waits until it answers."""
        if not self.users_file.exists():
            write_users(self.users_file, USERS)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TALLY_")},
            "TALLY_HOME": str(self.home),
            "TALLY_WAREHOUSE_URL": f"http://127.0.0.1:{self.port}",
            **self.environment,
        }
        with (self.home / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "warehouse.embedded"], cwd=ROOT, env=environment, stdout=output, stderr=output
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the warehouse did not start:\n{(self.home / 'output').read_text()[-3000:]}")
            with socket.socket() as pause:  # waits for the port, not for a time
                pause.settimeout(0.05)
                pause.connect_ex(("127.0.0.1", self.port))
        return self

    def answers(self) -> bool:
        """True when it is up."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/ping", timeout=2).text == "Ok.\n"
        except httpx.TransportError:
            return False

    def end(self, kind: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal and returns the exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(kind)
        try:
            return self.process.wait(STOP_SECONDS)
        finally:
            self.process.kill()
            self.process = None

    def client(self, user: str = "tally", **options: Any) -> Client:
        """An unmodified clickhouse-connect client."""
        return clickhouse_connect.get_client(
            host="127.0.0.1", port=self.port, username=user, password=f"{user}-secret", **options
        )

    def post(
        self, sql: str | bytes = b"", user: str = "tally", *, headers: dict[str, str] | None = None, **parameters: Any
    ) -> httpx.Response:
        """A statement over plain HTTP."""
        return httpx.post(
            f"http://127.0.0.1:{self.port}/",
            content=sql,
            params=parameters,
            auth=(user, f"{user}-secret"),
            headers=headers,
            timeout=60,
        )

    def ask(self, sql: str | bytes, user: str = "tally", **parameters: Any) -> str:
        """The answer of a statement that succeeds, without its last line end."""
        response = self.post(sql, user, **parameters)
        assert response.status_code == 200, response.text
        return response.text.removesuffix("\n")

    def refuses(self, sql: str | bytes, code: int, user: str = "tally", **parameters: Any) -> str:
        """The error text of a statement that fails with this code."""
        response = self.post(sql, user, **parameters)
        assert response.headers.get("X-ClickHouse-Exception-Code") == str(code), response.text
        assert response.status_code >= 400
        return response.text

    def runs(self, query_id: str) -> bool:
        """True while the engine works on the statement of this id."""
        found = "SELECT count() FROM system.processes WHERE splitByChar(' ', Settings['log_comment'])[1] = {id:String}"
        return self.ask(found, param_id=query_id) == "1"

    def wait_until_it_runs(self, query_id: str) -> None:
        """Returns when the engine works on the statement of this id."""
        wait_for(lambda: self.runs(query_id))

    def change_user(self, name: str, **changes: Any) -> None:
        """Writes the file of users anew with one of them changed."""
        users = read_users(self.users_file)
        users[name] = replace(users[name], **changes)
        write_users(self.users_file, users)
