"""`./tally repair`."""

from datetime import datetime
from typing import Annotated

import typer

from deploy.cli.asking.asked import Request
from deploy.cli.asking.flat import flat
from deploy.cli.asking.options import How
from deploy.cli.warehouse import connected

app = typer.Typer(add_completion=False)


@app.command()
@flat
def repair(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First local day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last local day, included.")],
    how: How,
    organization: Annotated[str, typer.Option(help="Only this organisation.")] = "",
) -> None:
    """Compute the rollups of some days again from raw events."""
    with connected("tally") as (client, _):
        body = {"first": str(first.date()), "last": str(last.date())}
        Request(client, "repair", organization, how).make([body])
