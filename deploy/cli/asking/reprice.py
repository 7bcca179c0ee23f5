"""`./tally reprice`."""

from typing import Annotated, Any

import typer

from deploy.cli.asking.asked import Request
from deploy.cli.asking.flat import flat
from deploy.cli.asking.options import How, Selected
from deploy.cli.warehouse import connected
from stream_jobs.control.difference import in_force

app = typer.Typer(add_completion=False)


@app.command()
@flat
def reprice(
    which: Selected,
    how: How,
    prices: Annotated[int | None, typer.Option(min=1, help="Revision of the prices; else the one in force.")] = None,
    multipliers: Annotated[
        int | None, typer.Option(min=1, help="Revision of the multipliers; without it credits stay as they are.")
    ] = None,
) -> None:
    """Price earlier events anew under a revision in force; what they cost before is kept for the audit."""
    with connected("tally") as (client, _):
        body: dict[str, Any] = {"prices": prices or in_force(client, "prices"), "selection": which.selection}
        if multipliers is not None:
            body["multipliers"] = multipliers
        Request(client, "reprice", which.organization, how).make([body])
