"""`./tally organizations`: who the usage belongs to, and the calendar it is counted in."""

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer
from clickhouse_connect.driver.client import Client
from rich.table import Table

from deploy.cli.asking.asked import control_settings
from deploy.cli.console import console, folded
from deploy.cli.directory import AUTHOR, moment
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from stream_jobs.configuring.calendar import Calendar, change_calendar, planned
from stream_jobs.configuring.change import Asked
from stream_jobs.control.publisher import Publisher
from warehouse.directory.entry import BEGINNING
from warehouse.directory.registration import organization_wished, registered
from warehouse.errors import InvalidEntry, InvalidOrganization
from warehouse.organizations import WEEK_DAYS, described, in_words, listed, require_name, require_time_zone, week_day
from warehouse.queries.organizations import Organization as Known
from warehouse.queries.organizations import Organizations
from warehouse.queries.query import ask

app = typer.Typer(add_completion=False, no_args_is_help=True)
EVERY: Final = 1_000_000_000


@app.callback()
def organizations() -> None:
    """Create and list organisations."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="As events name it in `organization`.")],
    timezone: Annotated[str, typer.Option("--timezone", help="IANA time zone, for example Europe/Paris.")],
    week_start: Annotated[str, typer.Option("--week-start", help="monday to sunday.")] = "monday",
    display_name: Annotated[str | None, typer.Option("--display-name", help="Name for people.")] = None,
    plan: Annotated[str | None, typer.Option(help="Its plan; '' for none.")] = None,
    since: Annotated[
        str, typer.Option("--from", help="From when name and plan hold; default: always, or from now on for a change.")
    ] = "",
) -> None:
    """Register an organisation with its time zone and first day of the week, or rename it. Idempotent."""
    texts = {"display_name": display_name, "plan": plan}
    try:
        described(name, timezone, week_start)
        wish = organization_wished(name, timezone, week_start, texts, effective_from=moment("--from", since))
    except (InvalidOrganization, InvalidEntry) as problem:
        raise WrongSetting(str(problem)) from None
    with connected("tally") as (client, _):
        made = registered(client, wish, datetime.now(UTC), AUTHOR, "cli")
    calendar = in_words(made.organization.time_zone, made.organization.week_start)
    print(f"{name} is registered: {calendar}" if made.is_new else f"{name} was registered already: {calendar}")
    if made.naming and made.naming.statement and made.naming.statement.effective_from > BEGINNING:
        print(f"{name}: {made.naming.outcome}, from {made.naming.statement.effective_from:%Y-%m-%d %H:%M:%S}")


@app.command()
def calendar(
    name: Annotated[str, typer.Argument(help="As events name it in `organization`.")],
    since: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First local day in the new calendar.")
    ],
    timezone: Annotated[str | None, typer.Option("--timezone", help="IANA time zone; default: as it is.")] = None,
    week_start: Annotated[str | None, typer.Option("--week-start", help="monday to sunday; default: as it is.")] = None,
    note: Annotated[str, typer.Option(help="Why; kept with the change.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Change the calendar of an organisation from a local midnight in the future; what was counted stays as it is.

    One that has no usage yet is given another calendar at once by `create`.
    """
    wish = _wish(name, timezone, week_start)
    asked = Asked(getpass.getuser(), note, AUTHOR, datetime.now(UTC))
    with connected("tally") as (client, _):
        _require_known(client, name)
        if dry_run:
            plan = planned(client, name, wish, since.date(), asked.now)
            begins = plan.effective_from.isoformat(timespec="minutes")
            print(
                f"{name} would count in {plan.after} from {begins}, until then in {plan.before}; nothing was asked for"
            )
            return
        publisher = Publisher(control_settings(), client)
        try:
            made = change_calendar(publisher, name, wish, since.date(), asked)
        finally:
            publisher.close()
    begins, after = made.plan.effective_from.isoformat(timespec="minutes"), made.plan.after
    print(f"{name} counts in {after} from {begins} (revision {made.revision.revision}, {made.published.control_id})")
    if not made.published.is_complete:
        print("it is stored, and published as soon as Kafka answers")


@app.command("list")
def list_() -> None:
    """Show every organisation, also those that only events have named so far, and calendars that are to come."""
    table = Table(
        *(folded("organization"), "name", "plan", "time zone", "week starts", "registered", "to come"),
        box=None,
        padding=(0, 2, 0, 0),
    )
    with connected("tally") as (client, _):
        for organization in ask(client, Organizations(datetime.now(UTC), limit=EVERY)):
            table.add_row(
                organization.name,
                organization.display_name,
                organization.plan,
                organization.time_zone,
                WEEK_DAYS[organization.week_start - 1],
                "yes" if organization.registered else "no",
                "; ".join(to_come(organization)),
            )
    console().print(table)


def to_come(organization: Known) -> Sequence[str]:
    """Each calendar that is to come, and the date of the one before on which it begins."""
    said, zone = [], organization.time_zone
    for coming in organization.coming_calendars:
        day = coming.effective_from.astimezone(ZoneInfo(zone)).date()
        zone = coming.time_zone
        said.append(f"from {day} {in_words(zone, coming.week_start)}")
    return said


def _wish(name: str, timezone: str | None, week_start: str | None) -> Calendar:
    """What is to change; None stays as it is. Raises WrongSetting."""
    if timezone is None and week_start is None:
        raise WrongSetting("--timezone: neither it nor --week-start is given; say what is to change")
    try:
        require_name(name)
        if timezone is not None:
            require_time_zone(timezone)
        return Calendar(timezone, None if week_start is None else week_day(week_start))
    except InvalidOrganization as problem:
        raise WrongSetting(str(problem)) from None


def _require_known(client: Client, name: str) -> None:
    """Raises WrongSetting for one that nobody knows."""
    if not listed(client, name):
        cure = "create it with ./tally organizations create, or see its spelling in ./tally organizations list"
        raise WrongSetting(f"there is no organization {name!r}: {cure}")
