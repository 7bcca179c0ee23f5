"""`./tally benchmark`: one of the programs in tests/benchmarks, with its own options."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from deploy.errors import WrongSetting
from deploy.local.home import ROOT, Home

app = typer.Typer(add_completion=False)
FOLDER = ROOT / "tests/benchmarks"
NAMES = ("peers", "recovery", "pipeline", "latency", "memory", "scaling", "soak", "jobs", "pricing", "envelopes")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def benchmark(context: typer.Context, name: Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}.")]) -> None:
    """Measure speed. What else is typed goes to the benchmark; --help after its name shows its options."""
    if name not in NAMES:
        raise WrongSetting(f"there is no benchmark {name!r}; there are {', '.join(NAMES)}")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TALLY_")}
    environment["TALLY_ENVIRONMENTS"] = str(Home.from_environment().environments)
    command = [sys.executable, "-m", f"tests.benchmarks.{name}", *context.args]
    raise typer.Exit(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)
