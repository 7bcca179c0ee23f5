"""What end-to-end tests share: the command line, a key, and a read-write client of the running installation."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from producers.keys.store import KeyStore

from deploy.local.home import ROOT
from deploy.local.installation import Installation
from warehouse.client import connect
from warehouse.settings import WarehouseSettings

DEADLINE_SECONDS = 90.0


@dataclass(frozen=True)
class Tally:
    """`./tally …` against the installation of the test run."""

    installation: Installation

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command; fails the test with its words when it fails and `check` is set."""
        result = subprocess.run(
            [sys.executable, "-m", "deploy.cli", *arguments],
            cwd=ROOT,
            env=os.environ | self.installation.environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if check and result.returncode != 0:
            pytest.fail(f"tally {' '.join(arguments)}: {result.stdout}\n{result.stderr}")
        return result


@pytest.fixture(scope="session")
def tally(installation: Installation) -> Tally:
    return Tally(installation)


@pytest.fixture(scope="session")
def warehouse(installation: Installation) -> Iterator[Client]:
    told = installation.environment()
    password = Path(told["TALLY_WAREHOUSE_PASSWORD_FILE"])
    client = connect(WarehouseSettings(url=told["TALLY_WAREHOUSE_URL"], user="tally", password_file=password))
    yield client
    client.close()


@pytest.fixture(scope="session")
def key(installation: Installation) -> str:
    """A key for every organisation with every right."""
    scopes = frozenset({"ingest", "read", "limits", "admin"})
    _, secret = KeyStore(installation.home.keys).create(name="tests", organization=None, scopes=scopes)
    return secret


def until(what: str, condition: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> None:
    """Waits for a condition; fails the test when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.1)
