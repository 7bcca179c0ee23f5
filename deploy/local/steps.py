"""Commands that prepare a service: run to their end, their words kept in a log."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from deploy.errors import ServiceFailed
from deploy.local import health
from deploy.local.home import ROOT, Home

LONGEST_SECONDS = 600


def run(home: Home, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Runs a command in the checkout. Raises ServiceFailed with the end of its log when it fails."""
    log = home.logs / f"{name}.log"
    with log.open("a") as output:
        try:
            result = subprocess.run(
                command,
                cwd=ROOT,
                env=os.environ | dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=LONGEST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as timeout:
            raise ServiceFailed(f"{name} took longer than {LONGEST_SECONDS} s; see {log}") from timeout
    if result.returncode != 0:
        raise ServiceFailed(f"{name} failed with status {result.returncode}; {health.end_of_log(home, name)}")
