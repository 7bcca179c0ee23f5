"""What end-to-end tests share: the command line of the running installation, and waiting for a condition."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

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


def client_of(installation: Installation, user: str = "tally") -> Client:
    """A client of the installation's warehouse, to be closed by the caller; the default user may write."""
    told = installation.environment(user)
    password = Path(told["TALLY_WAREHOUSE_PASSWORD_FILE"])
    return connect(WarehouseSettings(url=told["TALLY_WAREHOUSE_URL"], user=user, password_file=password))


def until(
    what: str,
    condition: Callable[[], bool],
    seconds: float = DEADLINE_SECONDS,
    instead: Callable[[], object] = lambda: "",
) -> None:
    """Waits for a condition; fails the test when it does not come true in time, with what there is instead."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {seconds:.0f} s {instead()}")
        time.sleep(0.1)
