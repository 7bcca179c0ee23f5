"""`./tally restart`: services one after the other, each serving again before the next one stops."""

from typing import Annotated

import typer

from deploy.cli.console import console, done
from deploy.local.installation import Installation

app = typer.Typer(add_completion=False)


@app.command()
def restart(
    services: Annotated[list[str], typer.Argument(help="Names or kinds: worker-1, or workers for all of them.")],
) -> None:
    """Restart services, one after the other; a worker writes what it has taken before it stops."""
    installation = Installation.from_environment()
    shown = console()
    for name in installation.named(services):
        seconds = installation.restart(name)
        shown.print(done(f"{name} serves again ({seconds:.1f} s)"))
