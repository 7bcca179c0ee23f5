"""Superset's own preparation: environment, metadata database, dashboards; each does nothing when it was done."""

import os
import subprocess
import sys

from deploy.errors import Missing
from deploy.local import steps
from deploy.local.home import ROOT, Home
from deploy.local.services import Plan


def ensure_environment(home: Home) -> None:
    """Installs Superset's environment, once. Raises Missing."""
    command = [sys.executable, str(ROOT / "tally"), "environment", "superset"]
    environment = {"TALLY_ENVIRONMENTS": str(home.environments), "TALLY_HOME": str(home.folder)}
    result = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Missing(result.stderr.strip().removeprefix("tally: "))


def set_up(plan: Plan) -> None:
    """Brings the metadata database up to date: schema, roles, administrator. Quick when it is."""
    command = [str(plan.superset_python), "-m", "dashboards.setup"]
    steps.run(plan.home, "superset-setup", command, plan.superset_environment())


def push(plan: Plan) -> None:
    """Sends the dashboards in the checkout to the running Superset. Quick when it has them."""
    steps.run(plan.home, "superset-push", [sys.executable, "-m", "dashboards.push"], plan.superset_environment())
