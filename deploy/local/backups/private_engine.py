"""A warehouse that nobody else knows: on a folder of data that is being made or looked at, at an address of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from clickhouse_connect.driver.client import Client

from deploy.errors import ServiceFailed
from deploy.local import health, probes, processes
from deploy.local.home import ROOT, Home
from deploy.local.installation import Installation
from warehouse.client import connect
from warehouse.settings import WarehouseSettings

NAME = "restore"
START_SECONDS = 180.0
STOP_SECONDS = 60.0
LONGEST_STATEMENT_SECONDS = 24 * 3600


@contextmanager
def private_engine(installation: Installation, data: Path, backups: Path) -> Iterator[Client]:
    """A client without a database of an engine on `data`, which may read backups below `backups`. Ends it again.

    Raises ServiceFailed when it does not start: another process may have the data open.
    """
    url = f"http://127.0.0.1:{_free_port()}"
    environment = installation.plan.environment(NAME) | {
        "TALLY_WAREHOUSE_URL": url,
        "TALLY_WAREHOUSE_DATA": str(data),
        "TALLY_WAREHOUSE_BACKUPS": str(backups),
    }
    with (installation.home.logs / f"{NAME}.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "warehouse.embedded"],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(installation, process, url)
        client = connect(
            WarehouseSettings(
                url=url,
                user="tally",
                password_file=Path(environment["TALLY_WAREHOUSE_PASSWORD_FILE"]),
                receive_timeout_seconds=LONGEST_STATEMENT_SECONDS,
            ),
            database="",
        )
        try:
            yield client
        finally:
            client.close()
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def end_orphans(home: Home) -> None:
    """Ends the engines of restores that were killed: they would go on in folders that are made anew."""
    orphans = []
    for process in processes.of_home(home):
        with suppress(psutil.Error):
            if process.environ().get("TALLY_SERVICE") == NAME:
                orphans.append(process)
    processes.end(orphans)


def _wait(installation: Installation, process: subprocess.Popen[bytes], url: str) -> None:
    ready, deadline = probes.http(f"{url}/ping"), time.monotonic() + START_SECONDS
    while ready(process.pid):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServiceFailed(f"no warehouse starts for the restore; {health.end_of_log(installation.home, NAME)}")
        time.sleep(health.POLL_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
