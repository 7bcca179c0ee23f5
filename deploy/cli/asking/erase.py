"""`./tally erase`."""

from typing import Annotated

import typer

from deploy.cli.asking.asked import Request
from deploy.cli.asking.flat import flat
from deploy.cli.asking.options import How
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting

app = typer.Typer(add_completion=False)


@app.command()
@flat
def erase(
    organization: Annotated[str, typer.Option(help="The organisation.")],
    how: How,
    user: Annotated[str, typer.Option(help="Only what is of this user.")] = "",
    everything: Annotated[bool, typer.Option("--everything", help="All of the organisation, without --user.")] = False,
) -> None:
    """Remove everything of a user, or of a whole organisation, for good: it cannot be brought back."""
    if bool(user) == everything:
        raise WrongSetting("say what to erase: --user NAME, or --everything of the organisation")
    with connected("tally") as (client, _):
        Request(client, "erase", organization, how).make([{"user_id": user} if user else {"everything": True}])
