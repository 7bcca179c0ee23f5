"""`./tally terms`: how credits are counted, what is billed on top of the cost, and what the free plan allows."""

import sys
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from getpass import getuser
from typing import Annotated

import typer

from deploy.cli.asking.asked import control_settings
from deploy.cli.asking.following import Following
from deploy.cli.asking.options import instant
from deploy.cli.console import console, narrow_console
from deploy.cli.terms_report import as_json, change_told, history_table, terms_table
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from stream_jobs.configuring.agreeing import Agreed, agree, planned_terms
from stream_jobs.configuring.change import Asked
from stream_jobs.control.publisher import Publisher
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.terms_change import TermsChange
from stream_jobs.pricing.exact_number import exact_number, shifted, whole_number
from warehouse.queries.query import ask
from warehouse.queries.terms import BillingTerms, TermsHistory

app = typer.Typer(add_completion=False, no_args_is_help=True)
COMMAND_LINE = "command line"
PPM_PLACES = 6
"""Of a share written as a number: 0.2 is 200,000 millionths."""
Whose = Annotated[str | None, typer.Option("--organization", help="Only of this organisation; '' is the default.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, a line each.")]


class BasisOption(StrEnum):
    """What credits count."""

    request = "request"
    cost = "cost"
    tokens = "tokens"


class RoundingOption(StrEnum):
    """How an event's credits are rounded."""

    exact = "exact"
    up = "up"


@app.callback()
def terms() -> None:
    """Look at the terms of organisations, and change them from a date on."""


@app.command("list")
def list_(organization: Whose = None, json: AsJson = False) -> None:
    """Show all terms by date: the default, and those of organisations that have their own."""
    now = datetime.now(UTC)
    with connected("tally") as (client, _):
        found = ask(client, BillingTerms(organization))
    if json:
        for each in found:
            print(as_json(each, now))
        return
    console().print(terms_table(found, now))


@app.command()
def history(
    organization: Whose = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")] = 100,
    json: AsJson = False,
) -> None:
    """Show everything that was ever set, by whom and why, the newest first."""
    now = datetime.now(UTC)
    with connected("tally") as (client, _):
        found = ask(client, TermsHistory(organization, limit))
    if json:
        for each in found:
            print(as_json(each, now))
        return
    console().print(history_table(found))


@app.command("set")
def set_(
    organization: Annotated[str, typer.Option(help="Whose; without it the default of all others.")] = "",
    since: Annotated[str, typer.Option("--from", help="Date or time from which they hold (UTC); now without it.")] = "",
    basis: Annotated[
        BasisOption | None, typer.Option(help="What credits count: requests, their cost, or their tokens.")
    ] = None,
    credits_per_usd: Annotated[str, typer.Option(help="Credits per USD of cost, for the basis cost.")] = "",
    rounding: Annotated[RoundingOption | None, typer.Option(help="up: whole credits, each event.")] = None,
    markup: Annotated[str, typer.Option(help="On top of the cost of what is billed, as 20% or 0.2.")] = "",
    free_daily_limit: Annotated[int | None, typer.Option(help="Executions of a free user per UTC day.")] = None,
    note: Annotated[str, typer.Option(help="Why; kept with the change.")] = "",
    author: Annotated[str, typer.Option(help="Who sets them; your login name unless it is given.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without confirming it first.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Return when they are in force; exit with 1 when they are not.")
    ] = False,
) -> None:
    """Change terms from a date on; what is not given stays as it is at that date. Events keep what they were counted
    with, until they are counted again (./tally reprice --multipliers in-force)."""
    change = TermsChange(
        None if basis is None else basis.value,
        _decimal("--credits-per-usd", credits_per_usd),
        None if rounding is None else rounding.value,
        markup_ppm(markup),
        free_daily_limit,
    )
    now = datetime.now(UTC)
    effective_from = instant("--from", since) or now.replace(microsecond=0)
    asked = Asked(author or getuser(), note, COMMAND_LINE, now)
    with connected("tally") as (client, _):
        try:
            made = planned_terms(client, organization, effective_from, change, asked)
        except CreditRulesRefused as problem:
            raise WrongSetting(str(problem)) from None
        for line in change_told(made):
            console().print(line)
        if dry_run:
            return
        if not yes:
            if not sys.stdin.isatty():
                raise WrongSetting("nothing was set: there is no terminal to confirm it; give --yes or --dry-run")
            if not typer.confirm("Set these terms?"):
                console().print("Nothing was set.")
                return
        publisher = Publisher(control_settings(), client)
        try:
            agreed = agree(publisher, organization, effective_from, change, asked)
        finally:
            publisher.close()
        _tell(agreed)
        published = [each.control_id for each in agreed.published]
        if wait and not Following(client, narrow_console(stderr=True)).until_finished(published):
            raise typer.Exit(1)


def _tell(agreed: Agreed) -> None:
    is_published = all(each.is_complete for each in agreed.published)
    where = "published" if is_published else "stored; it is published as soon as Kafka answers"
    revision = agreed.revision
    whose = f" of {revision.organization}" if revision.organization else ""
    console().print(f"multipliers revision {revision.revision}{whose}: {where} ({revision.control_id})")


def _decimal(option: str, text: str) -> Decimal | None:
    if not text:
        return None
    number = exact_number(text)
    if number is None:
        raise WrongSetting(f"{option} {text}: write a number like 1000 or 0.5")
    return number


def markup_ppm(text: str) -> int | None:
    """Millionths of 20% or 0.2; None for no text. Raises WrongSetting for what is no whole number of them."""
    if not text:
        return None
    share = exact_number(text.removesuffix("%"))
    if share is None:
        raise WrongSetting(f"--markup {text}: write a number like 20% or 0.2")
    ppm = whole_number(shifted(share, PPM_PLACES - (2 if text.endswith("%") else 0)))
    if ppm is None:
        raise WrongSetting(f"--markup {text}: write at most 6 decimal places, as 20% or 0.2")
    return ppm
