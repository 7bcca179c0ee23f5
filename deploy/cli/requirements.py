"""`./tally requirements`: pins the libraries of every environment anew, in files without any address."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import typer

from deploy.errors import ServiceFailed
from deploy.local.home import ROOT

app = typer.Typer(add_completion=False)

FOLDER = ROOT / "deploy/requirements"
OLDEST_PYTHON = "3.11"
NEWEST = ("main", "peers", "pictures")
SUPERSET_RELEASED = "2026-05-20"
"""Superset 6.1.0 does not bound what it needs; libraries of its release week fit."""
NEWER_ALLOWED = ("clickhouse-connect", "cachetools")


@app.command()
def requirements() -> None:
    """Pin the newest libraries anew; Superset's as of its release."""
    for name in NEWEST:
        compile_pins(name, [])
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    newer = [f"--exclude-newer-package={name}={tomorrow}" for name in NEWER_ALLOWED]
    compile_pins("superset", [f"--exclude-newer={SUPERSET_RELEASED}", *newer])


def compile_pins(name: str, options: list[str]) -> None:
    """Writes <name>.txt from <name>.in. Raises ServiceFailed with the resolver's words."""
    quiet = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    command = [sys.executable, str(ROOT / "tally"), "uv", "pip", "compile", "--quiet", "--upgrade", *quiet, *options]
    command += [f"--python-version={OLDEST_PYTHON}", f"{name}.in", "--output-file", f"{name}.txt"]
    result = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise ServiceFailed(f"{name}.in has no solution:\n{result.stderr.strip()}")
    print(f"deploy/requirements/{name}.txt: {len((FOLDER / f'{name}.txt').read_text().splitlines())} libraries")
