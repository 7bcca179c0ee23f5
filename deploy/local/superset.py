"""Superset's own preparation: environment, metadata database and dashboards, each only when something changed."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from deploy.errors import Missing
from deploy.local import steps
from deploy.local.home import ROOT
from deploy.local.services import Plan

REQUIREMENTS = ROOT / "deploy/requirements/superset.txt"
DASHBOARDS = ROOT / "dashboards"


def ensure_environment(plan: Plan) -> None:
    """Installs Superset's environment, once. Raises Missing."""
    command = [sys.executable, str(ROOT / "tally"), "environment", "superset"]
    environment = {"TALLY_ENVIRONMENTS": str(plan.home.environments), "TALLY_HOME": str(plan.home.folder)}
    result = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Missing(result.stderr.strip().removeprefix("tally: "))


def set_up(plan: Plan) -> None:
    """Brings the metadata database up to date: schema, roles, administrator."""
    made_from = fingerprint([REQUIREMENTS, *DASHBOARDS.glob("*.py")])
    once(plan, "superset-setup", made_from, [str(plan.superset_python), "-m", "dashboards.setup"])


def push(plan: Plan) -> None:
    """Sends the dashboards in the checkout to the running Superset."""
    assets = (path for path in DASHBOARDS.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    made_from = fingerprint([REQUIREMENTS, *assets])
    once(plan, "superset-push", made_from, [sys.executable, "-m", "dashboards.push"])


def once(plan: Plan, name: str, made_from: str, command: list[str]) -> None:
    """Runs a step unless it succeeded before with the same inputs."""
    mark = plan.home.superset / f"{name}.done"
    if mark.exists() and mark.read_text() == made_from:
        return
    mark.unlink(missing_ok=True)
    steps.run(plan.home, name, command, plan.superset_environment())
    mark.write_text(made_from)


def fingerprint(files: Iterable[Path]) -> str:
    """One hash over names and contents."""
    digest = hashlib.sha256()
    for path in sorted(files):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(ROOT)} {content}\n".encode())
    return digest.hexdigest()
