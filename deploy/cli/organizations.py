"""`./tally organizations`: who the usage belongs to, and the calendar it is counted in."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from warehouse.errors import InvalidOrganization
from warehouse.organizations import WEEK_DAYS, described, listed, register

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def organizations() -> None:
    """Create and list organisations."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="As events name it in `organization`.")],
    timezone: Annotated[str, typer.Option("--timezone", help="IANA time zone, for example Europe/Paris.")],
    week_start: Annotated[str, typer.Option("--week-start", help="monday to sunday.")] = "monday",
    display_name: Annotated[str, typer.Option("--display-name", help="Name for people.")] = "",
) -> None:
    """Register an organisation with its time zone and first day of the week. Idempotent."""
    try:
        wanted = described(name, timezone, week_start, display_name)
    except InvalidOrganization as problem:
        raise WrongSetting(str(problem)) from None
    with connected("tally") as (client, _):
        changed = register(client, wanted, author="command line")
    calendar = f"{wanted.time_zone}, weeks from {WEEK_DAYS[wanted.week_start - 1]}"
    print(f"{name} is registered: {calendar}" if changed else f"{name} was registered already: {calendar}")


@app.command("list")
def list_() -> None:
    """Show every organisation, also those that only events have named so far."""
    table = Table("organization", "name", "time zone", "week starts", "registered", box=None, padding=(0, 2, 0, 0))
    with connected("tally") as (client, _):
        for organization in listed(client):
            table.add_row(
                organization.name,
                organization.display_name,
                organization.time_zone,
                WEEK_DAYS[organization.week_start - 1],
                "yes" if organization.registered else "no",
            )
    Console(highlight=False).print(table)
