"""`./tally down`: stops every process of the installation."""

import typer

from deploy.local.installation import Installation

app = typer.Typer(add_completion=False)


@app.command()
def down() -> None:
    """Stop everything; data stays."""
    print("stopped" if Installation.from_environment().down() else "nothing was running")
