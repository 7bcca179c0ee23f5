"""`./tally periods`: closes days, so that figures that were reported stay, and shows what changed in them since."""

import getpass
import re
from calendar import monthrange
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.table import Table

from api.resources.periods import changes_answer
from deploy.cli.console import console, folded
from deploy.cli.currency import known_code
from deploy.cli.visible import visible
from deploy.cli.warehouse import connected
from deploy.errors import DeployError, WrongSetting
from warehouse.errors import MissingExchangeRate, PeriodRefused
from warehouse.organizations import listed
from warehouse.periods.changes import Changes, Sums
from warehouse.periods.closing import changes_since, close
from warehouse.queries.exchange_rates import RatesInForce
from warehouse.queries.periods import ClosedPeriod, ClosedPeriods
from warehouse.queries.query import ask

app = typer.Typer(add_completion=False, no_args_is_help=True)
Days = Annotated[str, typer.Argument(metavar="DAYS", help="2026-03, 2026-03-14 or 2026-03-01..2026-03-15.")]
REPORT_SECONDS = 600


@app.callback()
def periods() -> None:
    """Closed days: what was reported stays, later changes are shown apart."""


@app.command("close")
def close_(
    days: Days,
    organization: Annotated[str, typer.Option(help="Only this organisation; else each that is known.")] = "",
    note: Annotated[str, typer.Option(help="Why; kept with the closing.")] = "",
) -> None:
    """Close days in the organisation's calendar. It is for good: corrections and late events stay possible, apart."""
    first, last = span(days)
    refused = []
    with connected("tally", longest_seconds=REPORT_SECONDS) as (client, _):
        names = [organization] if organization else [each.name for each in listed(client)]
        for name in names:
            try:
                made = close(client, name, first, last, author=getpass.getuser(), note=note, now=datetime.now(UTC))
            except PeriodRefused as refusal:
                refused.append(f"{name}: {refusal}")
                continue
            print(f"{name}: {made.first_day} to {made.last_day} are closed ({made.period_id})")
    if refused:
        raise DeployError("; ".join(refused))


@app.command("list")
def list_(organization: Annotated[str | None, typer.Option(help="Only this organisation.")] = None) -> None:
    """Show which days are closed, by whom and when."""
    table = Table(folded("organization"), "from", "to", "closed", "by", "note", box=None, padding=(0, 2, 0, 0))
    with connected("tally") as (client, _):
        for each in ask(client, ClosedPeriods(organization)):
            when = each.closed.isoformat(timespec="minutes")
            row = (each.organization, str(each.first_day), str(each.last_day), when, each.author, each.note)
            table.add_row(*row)
    console().print(table)


@app.command()
def show(
    organization: Annotated[str, typer.Argument(help="The organisation.")],
    days: Days,
    currency: Annotated[str | None, typer.Option(help="Show money in this currency, by the rate of each day.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also days and models that did not change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show closed days as they were closed and as they are known now, with what changed them."""
    first, last = span(days)
    code = known_code(currency)
    with connected("tally", longest_seconds=REPORT_SECONDS) as (client, _):
        known = [each for each in ask(client, ClosedPeriods(organization)) if within(each, first, last)]
        if not known:
            raise WrongSetting(f"{days} is not closed for {organization}; ./tally periods list shows what is")
        for period in known:
            found = changes_since(client, period)
            rates = None if code is None else ask(client, RatesInForce(code))
            try:
                answer = changes_answer(period, found, rates)
            except MissingExchangeRate as gap:
                raise WrongSetting(str(gap)) from None
            if as_json:
                print(answer.model_dump_json(indent=1, by_alias=True))
                continue
            print(visible(heading(period)))
            console().print(changes_table(found, everything=everything))
            if answer.conversion:
                shown = answer.conversion
                print(f"in {shown.currency}: closed {shown.closed_cost:,.4f}, now {shown.cost:,.4f}")


def span(text: str) -> tuple[date, date]:
    """First and last day of a month, a day, or FIRST..LAST. Raises WrongSetting."""
    try:
        if re.fullmatch(r"\d{4}-\d\d", text):
            first = date.fromisoformat(f"{text}-01")
            return first, first.replace(day=monthrange(first.year, first.month)[1])
        first_text, dots, last_text = text.partition("..")
        first = date.fromisoformat(first_text)
        return first, date.fromisoformat(last_text) if dots else first
    except ValueError:
        raise WrongSetting(f"{text!r} means no days; write 2026-03, 2026-03-14 or 2026-03-01..2026-03-15") from None


def within(period: ClosedPeriod, first: date, last: date) -> bool:
    """Whether a closed period has one of these days."""
    return period.first_day <= last and first <= period.last_day


def heading(period: ClosedPeriod) -> str:
    """The line above a table."""
    when = period.closed.isoformat(timespec="minutes")
    because = f": {period.note}" if period.note else ""
    return f"{period.organization}, {period.first_day} to {period.last_day}, closed {when} by {period.author}{because}"


def changes_table(found: Changes, *, everything: bool) -> Table:
    """Places that changed, each with its causes, and the whole."""
    table = Table("day", "provider", "model", "", box=None, padding=(0, 2, 0, 0))
    for name in ("requests", "cost USD", "billed USD", "credits"):
        table.add_column(name, justify="right")
    for line in found.lines if everything else found.changed:
        place = (str(line.place.day), line.place.provider, line.place.model)
        table.add_row(*place, "closed", *_cells(line.closed))
        for cause, sums in line.causes.items():
            table.add_row("", "", "", cause.value, *_cells(sums, signed=True))
        table.add_row("", "", "", "now", *_cells(line.now))
    table.add_row("together", "", "", "closed", *_cells(found.closed))
    for cause, sums in found.causes.items():
        table.add_row("", "", "", cause.value, *_cells(sums, signed=True))
    table.add_row("", "", "", "now", *_cells(found.now))
    return table


def _cells(sums: Sums, *, signed: bool = False) -> list[str]:
    sign = "+" if signed else ""
    money = (sums.cost_usd, sums.billed_usd, sums.credits)
    return [format(sums.requests, f"{sign},"), *(format(amount, f"{sign},.4f") for amount in money)]
