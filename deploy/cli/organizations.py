"""`./tally organizations`: who the usage belongs to, and the calendar it is counted in."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.asking.calendar import change
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from warehouse.control.revisions import newest
from warehouse.errors import CalendarInUse, InvalidOrganization
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


@app.command()
def calendar(
    name: Annotated[str, typer.Argument(help="As events name it in `organization`.")],
    timezone: Annotated[str, typer.Option("--timezone", help="IANA time zone, for example Europe/Paris.")],
    since: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First local day in the new calendar.")
    ],
    week_start: Annotated[str, typer.Option("--week-start", help="monday to sunday.")] = "monday",
    note: Annotated[str, typer.Option(help="Why; kept with the change.")] = "",
) -> None:
    """Change the calendar of an organisation from a local midnight in the future; what was counted stays as it is."""
    try:
        wanted = described(name, timezone, week_start)
    except InvalidOrganization as problem:
        raise WrongSetting(str(problem)) from None
    said = f"{wanted.time_zone}, weeks from {WEEK_DAYS[wanted.week_start - 1]}"
    with connected("tally") as (client, _):
        if newest(client, "calendar", name) is None:
            try:
                register(client, wanted, author="command line")
            except CalendarInUse:
                pass
            else:
                print(f"{name} is registered: {said}; it has no usage in another calendar, so it holds at once")
                return
        made = change(client, wanted, since.date(), note)
    begins = made.effective_from.isoformat(timespec="minutes")
    print(f"{name} counts in {said} from {begins} (revision {made.revision.revision}, {made.published.control_id})")


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
