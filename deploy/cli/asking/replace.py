"""`./tally replace`."""

import typer

from deploy.cli.asking.asked import Request
from deploy.cli.asking.bodies import bodies
from deploy.cli.asking.flat import flat
from deploy.cli.asking.options import Events, How, Selected, Sets
from deploy.cli.warehouse import connected

app = typer.Typer(add_completion=False)


@app.command()
@flat
def replace(which: Selected, events: Events, sets: Sets, how: How) -> None:
    """Replace what was wrong in events; their price and credits are worked out again."""
    with connected("tally") as (client, _):
        meant = bodies(client, "replace", which, events, sets)
        Request(client, "replace", which.organization, how).make(meant)
