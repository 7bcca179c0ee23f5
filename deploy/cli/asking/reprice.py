"""`./tally reprice`."""

from typing import Annotated, Any, Final

import typer

from deploy.cli.asking.asked import Request
from deploy.cli.asking.flat import flat
from deploy.cli.asking.options import How, Selected
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting

app = typer.Typer(add_completion=False)
IN_FORCE: Final = "in-force"


@app.command()
@flat
def reprice(
    which: Selected,
    how: How,
    prices: Annotated[
        int | None, typer.Option(min=1, help="Revision of the prices; without it those in force, of each organisation.")
    ] = None,
    multipliers: Annotated[
        str | None,
        typer.Option(
            metavar="REVISION|in-force",
            help="Count credits anew and bill by the terms of a revision of the multipliers, or of what is in force; "
            "without it credits stay, and each event is billed by the terms it was billed by.",
        ),
    ] = None,
) -> None:
    """Price earlier events anew under a revision in force; what they cost before is kept for the audit."""
    said = {"selection": which.selection, "prices": prices, "multipliers": _counted(multipliers)}
    body: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    with connected("tally") as (client, _):
        Request(client, "reprice", which.organization, how).make([body])


def _counted(text: str | None) -> int | str | None:
    """As a record says it. Raises WrongSetting for what is no revision."""
    if text is None or text == IN_FORCE:
        return text and "in_force"
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise WrongSetting(f"--multipliers {text}: write the number of a revision, or {IN_FORCE}")
    return int(text)
