"""`./tally currency`: dated exchange rates, by which answers show money in another currency than US dollars."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.fields import exact_text
from deploy.cli.console import console
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from warehouse.currency import csv_file, ledger
from warehouse.currency.exchange_rate import ExchangeRate, currency_code, stated
from warehouse.errors import InvalidExchangeRate
from warehouse.queries.exchange_rates import SaidRates
from warehouse.queries.query import ask

app = typer.Typer(add_completion=False, no_args_is_help=True)
Note = Annotated[str, typer.Option(help="Why; kept with the rate.")]


@app.callback()
def currency() -> None:
    """Exchange rates: money is stored in US dollars and converted only where it is shown."""


@app.command("set")
def set_(
    code: Annotated[str, typer.Argument(metavar="CURRENCY", help="ISO 4217 code, for example EUR.")],
    units_per_usd: Annotated[str, typer.Argument(help="Units of the currency for one US dollar, for example 0.9213.")],
    since: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day on which it holds, until the next rate.")
    ],
    note: Note = "",
) -> None:
    """Set a rate from a day on. A rate that was said for that day before stays in the history."""
    try:
        rate = stated(code, since.date(), units_per_usd)
    except InvalidExchangeRate as problem:
        raise WrongSetting(str(problem)) from None
    with connected("tally") as (client, _):
        made = ledger.state(
            client, [rate], author=getpass.getuser(), source="command line", note=note, now=datetime.now(UTC)
        )
    print(told(rate) if made else f"{told(rate)}: that was set already")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file, UTF-8.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    note: Note = "",
) -> None:
    """Import rates: all of the file, or nothing when a line is wrong. Columns: currency, day, units_per_usd."""
    try:
        rates = csv_file.read_rates(file.read_bytes())
    except InvalidExchangeRate as problem:
        raise WrongSetting(str(problem)) from None
    with connected("tally") as (client, _):
        if dry_run:
            changed = ledger.changes(client, rates)
        else:
            changed = ledger.state(
                client, rates, author=getpass.getuser(), source=file.name, note=note, now=datetime.now(UTC)
            )
    for rate in changed:
        print(told(rate))
    print(f"{len(changed):,} of {len(rates):,} rates {'would change: --dry-run' if dry_run else 'were set'}")


@app.command("list")
def list_(
    code: Annotated[str | None, typer.Option("--currency", help="Only this currency.")] = None,
    history: Annotated[bool, typer.Option("--history", help="Also rates that were replaced by later ones.")] = False,
) -> None:
    """Show the rates, the newest day of each currency first."""
    known = known_code(code)
    table = Table(
        "currency", "from", "units per USD", "said by", "when", "source", "note", box=None, padding=(0, 2, 0, 0)
    )
    with connected("tally") as (client, _):
        for said in ask(client, SaidRates(known, held_only=not history)):
            mark = "" if said.holds else " (replaced)"
            when = said.created.isoformat(timespec="minutes")
            row = (said.rate.currency, str(said.rate.day) + mark, units(said.rate), said.author, when)
            table.add_row(*row, said.source, said.note)
    console().print(table)


def known_code(text: str | None) -> str | None:
    """The code in capitals. Raises WrongSetting."""
    try:
        return None if text is None else currency_code(text)
    except InvalidExchangeRate as problem:
        raise WrongSetting(str(problem)) from None


def units(rate: ExchangeRate) -> str:
    """The number without zeros at its end."""
    return exact_text(rate.units_per_usd)


def told(rate: ExchangeRate) -> str:
    """The rate as a sentence."""
    return f"1 USD is {units(rate)} {rate.currency} from {rate.day}"
