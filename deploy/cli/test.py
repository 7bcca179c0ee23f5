"""`./tally test`: every check and every test, with all they need; one summary, which pytest's closing line ends."""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from deploy.errors import WrongSetting
from deploy.local import chromium, processes, superset
from deploy.local.home import ROOT, Home

app = typer.Typer(add_completion=False)

CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("lint-imports", ["-c", "from importlinter.cli import lint_imports_command as run; run()"]),
)
WITH_SERVICES = "integration or browser or chaos"
NOTHING_COLLECTED = 5
PROCESSES = 2
"""Tests wait for services half of the time; tests/dividing.py says which ones stay together."""


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check of the code."""

    name: str
    status: int
    seconds: float
    output: str


@app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def check_and_test(
    context: typer.Context,
    fast: Annotated[bool, typer.Option("--fast", help="Checks and the tests that need no services.")] = False,
    chaos: Annotated[str, typer.Option(help="Only a chaos run of so many minutes, such as 10m; resumable.")] = "",
    seed: Annotated[str, typer.Option(help="Seed of the chaos run.")] = "1",
    chaos_results: Annotated[bool, typer.Option("--chaos-results", help="Show what chaos runs have found.")] = False,
) -> None:
    """Check and test everything. What else is typed goes to pytest, which then runs in one process."""
    if chaos or chaos_results:
        wanted = ["--show"] if chaos_results else ["--minutes", minutes(chaos), "--seed", seed]
        raise typer.Exit(run_chaos([*wanted, *context.args]))
    # Also when started in the background, where Ctrl-C is ignored and the tests would inherit that.
    for request_to_stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(request_to_stop, signal.default_int_handler)
    homes = Path(tempfile.mkdtemp(prefix="tally-test-"))
    checks: list[Check] = []
    closing, status = "no test was run", 1
    try:
        checks = check_code()
        if not fast:
            prepare()
        closing, status = run_pytest(context.args, homes, fast=fast)
    finally:
        processes.end(processes.under(homes))
        shutil.rmtree(homes, ignore_errors=True)
        print(summary(checks))
        print(closing)
    raise typer.Exit(1 if status or any(check.status for check in checks) else 0)


def minutes(length: str) -> str:
    """10m or 10 as "10". Raises WrongSetting."""
    number = length.removesuffix("m")
    if not number.isdigit() or number == "0":
        raise WrongSetting(f"--chaos {length}: give whole minutes, such as 10m")
    return number


def run_chaos(arguments: Sequence[str]) -> int:
    """Runs tests/chaos/run.py, which starts an installation of its own and keeps its results; its exit status."""
    command = [sys.executable, "-m", "tests.chaos.run", *arguments]
    # In a process group of its own: a Ctrl-C reaches it once, through us.
    with subprocess.Popen(command, cwd=ROOT, process_group=0) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            return process.wait()


def check_code() -> list[Check]:
    """All checks side by side; what a failed one says is printed."""
    with ThreadPoolExecutor() as pool:
        checks = list(pool.map(run_check, *zip(*CHECKS, strict=True)))
    for check in checks:
        if check.status:
            print(f"--- {check.name}\n{check.output}", flush=True)
    return checks


def run_check(name: str, arguments: Sequence[str]) -> Check:
    """Runs one check in the checkout."""
    began = time.monotonic()
    result = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return Check(name, result.returncode, time.monotonic() - began, result.stdout)


def prepare() -> None:
    """What only tests with services need: a browser, and Superset's environment. Raises Missing."""
    chromium.ensure()
    superset.ensure_environment(Home.from_environment())


@dataclass(slots=True)
class Shown:
    """Words of a program that were passed on, of which the last line matters."""

    last_line: str = ""

    def pass_on(self, lines: Iterable[str]) -> None:
        """Prints lines as they come."""
        for line in lines:
            print(line, end="", flush=True)
            self.last_line = line.strip() or self.last_line


def run_pytest(arguments: Sequence[str], homes: Path, *, fast: bool) -> tuple[str, int]:
    """Shows pytest's words as they come; returns its closing line and its exit status."""
    marked = f"not benchmark and not ({WITH_SERVICES})" if fast else "not benchmark and not long"
    command = [sys.executable, "-m", "pytest", "-m", marked, f"--basetemp={homes / 'pytest'}"]
    command += [f"--color={'yes' if sys.stdout.isatty() else 'no'}"]
    command += arguments or [f"--numprocesses={PROCESSES}", "--no-loadscope-reorder", "--durations=30"]
    shown = Shown()
    # In a process group of its own: a Ctrl-C reaches it once, through us, and does not cut its cleaning up short.
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, process_group=0) as process:
        assert process.stdout is not None
        try:
            shown.pass_on(process.stdout)
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            try:
                shown.pass_on(process.stdout)
            except KeyboardInterrupt:
                process.kill()
                raise
    status = process.returncode
    return shown.last_line, 0 if arguments and status == NOTHING_COLLECTED else status


def summary(checks: Sequence[Check]) -> str:
    """One line per check."""
    lines = [f"{'passed' if check.status == 0 else 'FAILED'}  {check.name} ({check.seconds:.0f} s)" for check in checks]
    return "\n".join(["", "Checks:", *(f"  {line}" for line in lines)])
