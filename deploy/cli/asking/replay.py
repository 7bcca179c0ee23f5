"""`./tally replay`."""

from typing import Annotated

import typer

from deploy.cli.asking.asked import Request
from deploy.cli.asking.first_day import first_day
from deploy.cli.asking.flat import flat
from deploy.cli.asking.options import How
from deploy.cli.warehouse import connected

app = typer.Typer(add_completion=False)


@app.command()
@flat
def replay(
    since: Annotated[
        str, typer.Option("--from", help="First local day, or a time (UTC unless it says else) in it.", metavar="TIME")
    ],
    how: How,
    organization: Annotated[str, typer.Option(help="Only this organisation.")] = "",
) -> None:
    """Build all rollups from a day on beside those in use, which they then replace."""
    with connected("tally") as (client, _):
        first = first_day(client, "--from", since, organization)
        Request(client, "replay", organization, how).make([{"first": str(first)}])
