"""`./tally logs`: the end of the logs, or their new lines as they come."""

import time
from pathlib import Path
from typing import Annotated

import typer

from deploy.errors import WrongSetting
from deploy.local.health import last_lines
from deploy.local.home import Home

app = typer.Typer(add_completion=False)

POLL_SECONDS = 0.3


@app.command()
def logs(
    service: Annotated[str | None, typer.Argument(help="One service; without it, all of them.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines of each.")] = 50,
) -> None:
    """Show the end of a service's log, or follow it."""
    chosen = files(Home.from_environment().logs, service)
    for path in chosen:
        for line in last_lines(path, lines):
            print(f"{path.stem}: {line}")
    tails = [Tail(path) for path in chosen]
    while follow:
        for tail in tails:
            for line in tail.fresh_lines():
                print(f"{tail.path.stem}: {line}", flush=True)
        time.sleep(POLL_SECONDS)


def files(folder: Path, service: str | None) -> list[Path]:
    """The logs to show. Raises WrongSetting when there is no log of that name."""
    existing = sorted(folder.glob("*.log"))
    chosen = [path for path in existing if service in (None, path.stem)]
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
