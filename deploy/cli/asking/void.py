"""`./tally void`."""

import typer

from deploy.cli.asking.asked import Request
from deploy.cli.asking.bodies import bodies
from deploy.cli.asking.flat import flat
from deploy.cli.asking.options import Events, How, Selected
from deploy.cli.warehouse import connected

app = typer.Typer(add_completion=False)


@app.command()
@flat
def void(which: Selected, events: Events, how: How) -> None:
    """Take events back: they never counted. They stay in the audit, and their ids stay known."""
    with connected("tally") as (client, _):
        meant = bodies(client, "void", which, events, None)
        Request(client, "void", which.organization, how).make(meant)
