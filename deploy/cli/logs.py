"""`./tally logs`: the end of the logs, or their new lines as they come."""

import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.visible import visible
from deploy.errors import WrongSetting
from deploy.local.health import last_lines
from deploy.local.home import Home
from deploy.local.log_lines import parsed, serious

app = typer.Typer(add_completion=False)

POLL_SECONDS = 0.3
SEARCHED = 5_000
"""Lines of each log in which serious ones are looked for."""


class Level(StrEnum):
    """How serious a line is."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"
    critical = "critical"


@app.command()
def logs(
    service: Annotated[
        str | None, typer.Argument(help="One service, or a kind such as worker; without it, all of them.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines of each.")] = 50,
    level: Annotated[Level, typer.Option(help="Only lines that are at least so serious.")] = Level.debug,
    raw: Annotated[bool, typer.Option("--raw", help="As they were written: one JSON object per line of ours.")] = False,
) -> None:
    """Show the end of a service's log, or follow it."""
    chosen = files(Home.from_environment().logs, service)
    for path in chosen:
        shown(path, serious(last_lines(path, lines if level is Level.debug else SEARCHED), level), lines, raw=raw)
    tails = [Tail(path) for path in chosen]
    while follow:
        for tail in tails:
            fresh = serious(tail.fresh_lines(), level)
            shown(tail.path, fresh, len(fresh), raw=raw)
        time.sleep(POLL_SECONDS)


def shown(path: Path, lines: Sequence[str], count: int, *, raw: bool) -> None:
    """Prints the last lines with their service's name."""
    for line in lines[max(0, len(lines) - count) :]:
        print(f"{path.stem}: {line if raw else visible(parsed(line).text)}", flush=True)


def files(folder: Path, service: str | None) -> list[Path]:
    """The logs to show. Raises WrongSetting when there is no log of that name."""
    existing = sorted(folder.glob("*.log"))
    chosen = [path for path in existing if service in (None, path.stem, path.stem.partition("-")[0])]
    if not chosen:
        names = ", ".join(path.stem for path in existing) or "none yet, ./tally up makes them"
        raise WrongSetting(f"there is no log of {service or 'any service'}; there are: {names}")
    return chosen


class Tail:
    """Reads what is written to a log from now on; goes on after the file was rotated."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_to = path.stat().st_size

    def fresh_lines(self) -> list[str]:
        """Complete lines since the last call."""
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < self._read_to:
            self._read_to = 0
        if size == self._read_to:
            return []
        with self.path.open("rb") as file:
            file.seek(self._read_to)
            block = file.read()
        complete = block[: block.rfind(b"\n") + 1]
        self._read_to += len(complete)
        return complete.decode(errors="replace").splitlines()
