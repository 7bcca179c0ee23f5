"""Environments beside the project's own, made when a benchmark needs them."""

import os
import subprocess
import sys

from deploy.local.home import ROOT, Home


def python_of(name: str) -> str:
    """The interpreter of the environment that deploy/requirements/NAME.txt pins; installs it when it is not there."""
    command = [sys.executable, str(ROOT / "tally"), "environment", name]
    environment = os.environ | {"TALLY_ENVIRONMENTS": str(Home.from_environment().environments)}
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if made.returncode:
        raise SystemExit(made.stderr.strip())
    return f"{made.stdout.strip()}/bin/python"
