"""`./tally amend`."""

import typer

from deploy.cli.asking.asked import Request
from deploy.cli.asking.bodies import bodies
from deploy.cli.asking.flat import flat
from deploy.cli.asking.options import Events, How, Selected, Sets
from deploy.cli.warehouse import connected

app = typer.Typer(add_completion=False)


@app.command()
@flat
def amend(which: Selected, events: Events, sets: Sets, how: How) -> None:
    """Add what became known afterwards (rating, category, status, error_code), also to events still to come."""
    with connected("tally") as (client, _):
        meant = bodies(client, "amend", which, events, sets)
        Request(client, "amend", which.organization, how).make(meant)
