"""`./tally replay`."""

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
def replay(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First local day.")],
    how: How,
    organization: Annotated[str, typer.Option(help="Only this organisation.")] = "",
) -> None:
    """Build all rollups from a day on beside those in use, which they then replace."""
    with connected("tally") as (client, _):
        Request(client, "replay", organization, how).make([{"first": str(first.date())}])
