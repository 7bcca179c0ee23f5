"""`./tally logs`: the end of the logs, or their new lines as they come."""

import time
from collections.abc import Iterator
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
    if follow:
        for path, line in new_lines(chosen):
            print(f"{path.stem}: {line}", flush=True)


def files(folder: Path, service: str | None) -> list[Path]:
    """The logs to show. Raises WrongSetting when there is no log of that name."""
    existing = sorted(folder.glob("*.log"))
    chosen = [path for path in existing if service in (None, path.stem)]
    if not chosen:
        names = ", ".join(path.stem for path in existing) or "none yet, ./tally up makes them"
        raise WrongSetting(f"there is no log of {service or 'any service'}; there are: {names}")
    return chosen


def new_lines(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    """Lines written from now on; goes on after a file was rotated."""
    positions = {path: path.stat().st_size for path in paths}
    while True:
        for path in paths:
            size = path.stat().st_size if path.exists() else 0
            start = positions[path] if size >= positions[path] else 0
            if size > start:
                with path.open("rb") as file:
                    file.seek(start)
                    block = file.read()
                complete = block[: block.rfind(b"\n") + 1]
                positions[path] = start + len(complete)
                yield from ((path, line) for line in complete.decode(errors="replace").splitlines())
            else:
                positions[path] = start
        time.sleep(POLL_SECONDS)
