"""`./tally env`: what a program needs to reach this installation, as shell commands."""

import shlex

import typer

from deploy.local.installation import Installation

app = typer.Typer(add_completion=False)


@app.command()
def env() -> None:
    """Print the variables with which a program reaches this installation: eval "$(./tally env)"."""
    for name, value in Installation.from_environment().environment().items():
        print(f"export {name}={shlex.quote(value)}")
