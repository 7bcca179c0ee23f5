"""`./tally invoices`: what providers charge by their own reports, and how it differs from our figures."""

import getpass
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.fields import exact_text
from api.resources.invoices import comparison_answer
from deploy.cli.console import console
from deploy.cli.currency import known_code
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from stream_jobs.invoices.comparison import ComparedLine, Comparison, Grouping, compared
from stream_jobs.invoices.model_names import NamesInCatalogue
from warehouse.errors import CostReportRefused, MissingExchangeRate
from warehouse.invoices import ledger
from warehouse.invoices.ledger import Origin, PaidBy
from warehouse.invoices.reading import FORMATS, read_costs
from warehouse.queries.exchange_rates import RatesInForce
from warehouse.queries.invoices import (
    Account,
    ChargedCosts,
    CostReports,
    InvoicedDays,
    InvoicingProviders,
    RecordedCosts,
)
from warehouse.queries.query import ask

app = typer.Typer(add_completion=False, no_args_is_help=True)
PARTS = ("unpriced_usd", "partial_usd", "late_usd", "other_price_usd", "rest_usd")
OPEN = "price_or_calls_usd"
"""The part of the rest that may be another price."""
FORMAT_HELP = "Found out when absent. " + " ".join(f"{name}: {meaning}." for name, meaning in FORMATS.items())
AccountName = Annotated[str, typer.Option("--account", help="Account at the provider, when there are several.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]


@app.callback()
def invoices() -> None:
    """Providers' cost reports as a series of their own, beside our figures."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="JSON pages, or a CSV.")],
    form: Annotated[str | None, typer.Option("--format", help=FORMAT_HELP)] = None,
    provider: Annotated[str, typer.Option(help="Whose invoice it is; a CSV does not say it.")] = "",
    account: AccountName = "",
    organization: Annotated[str, typer.Option(help="Only this organisation's calls are charged there.")] = "",
    paid_by: Annotated[
        PaidBy, typer.Option(help="operator: everything but BYOK is charged there; customer: only BYOK.")
    ] = PaidBy.operator,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read and check it.")] = False,
    note: Annotated[str, typer.Option(help="Why; kept with the report.")] = "",
) -> None:
    """Import a cost report: all of it, or nothing. Days that were imported before hold as the new report says."""
    data = file.read_bytes()
    try:
        report = read_costs(data, form, provider)
    except CostReportRefused as refusal:
        raise WrongSetting(f"{file}: {refusal}") from None
    with connected("tally") as (client, _):
        names = ask(client, NamesInCatalogue())
        stored_as = names.alike(report.provider, ask(client, InvoicingProviders()))
        report = replace(report, provider=names.provider(report.provider))
        origin = Origin(account, organization, paid_by, file.name, getpass.getuser(), note, stored_as)
        if dry_run:
            done = "would be imported: --dry-run"
            done = "hold just so already" if ledger.holds(client, report, data, origin) else done
        else:
            done = "were imported"
            done = done if ledger.store(client, report, data, origin, datetime.now(UTC)) else "hold just so already"
    for each in report.notes:
        print(f"note: {each}")
    span = f"{report.days[0]} to {report.days[-1]}"
    print(
        f"{report.provider}: {len(report.lines):,} lines of {len(report.days):,} days, {span}, "
        f"{exact_text(report.amount_usd)} USD {done}"
    )


@app.command("list")
def list_(
    provider: Annotated[str | None, typer.Option(help="Only of this provider.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")] = 50,
) -> None:
    """Show the imported reports, the newest first."""
    table = Table(
        *("imported", "provider", "account", "for", "paid by", "days", "lines", "USD", "file", "author", "note"),
        box=None,
        padding=(0, 2, 0, 0),
    )
    with connected("tally") as (client, _):
        reports = CostReports(provider, limit=limit)
        if provider is not None:
            names = ask(client, NamesInCatalogue())
            stored_as = names.alike(provider, ask(client, InvoicingProviders()))
            reports = CostReports(names.provider(provider), limit=limit, stored_as=stored_as)
        for each in ask(client, reports):
            when, days = each.imported.isoformat(timespec="minutes"), f"{each.days[0]} to {each.days[-1]}"
            row = [when, each.provider, each.account or "-", each.organization or "all", each.paid_by, days]
            row += [f"{each.lines:,}", exact_text(each.amount_usd), each.file, each.author, each.note]
            table.add_row(*row)
    console().print(table)


@app.command()
def compare(
    provider: Annotated[str, typer.Argument(help="Whose invoice, for example openai.")],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of UTC, included.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of UTC, included.")],
    account: AccountName = "",
    organization: Annotated[str, typer.Option(help="The account that charges this organisation's calls only.")] = "",
    by: Annotated[Grouping, typer.Option(help="What a line stands for.")] = Grouping.DAY_AND_MODEL,
    currency: Annotated[
        str | None, typer.Option(help="Show amounts in this currency, by the rate of each day.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare an invoice with our figures, and say what explains the difference (invoice minus ours)."""
    code = known_code(currency)
    if first > last:
        raise WrongSetting(f"--from {first.date()} is after --to {last.date()}; swap them")
    with connected("tally", longest_seconds=600) as (client, _):
        names = ask(client, NamesInCatalogue())
        stored_as = names.alike(provider, ask(client, InvoicingProviders()))
        which = Account(names.provider(provider), account, first.date(), last.date(), organization, stored_as)
        days = ask(client, InvoicedDays(which))
        if not days:
            raise WrongSetting(
                f"no report of {provider} tells about these days; ./tally invoices list shows those there are"
            )
        rates = None if code is None else ask(client, RatesInForce(code))
        charged, recorded = ask(client, ChargedCosts(which)), ask(client, RecordedCosts(which))
    try:
        found = compared(which.provider, days, charged, recorded, names, rates)
    except MissingExchangeRate as gap:
        raise WrongSetting(str(gap)) from None
    if as_json:
        print(comparison_answer(which, found, by, code).model_dump_json(indent=1, by_alias=True))
        return
    console().print(comparison_table(found, by, code))
    print(f"{len(days):,} of {(which.last - which.first).days + 1:,} days are in reports; the others were not compared")


def comparison_table(found: Comparison, by: Grouping, code: str | None) -> Table:
    """Lines, and all of them together, in US dollars; both sides in the currency asked for too."""
    names = ["day", "model", "invoiced", "ours", "difference"]
    names += [*(part.removesuffix("_usd") for part in PARTS), "(price or calls)"]
    names += [f"{side} {code}" for side in ("invoiced", "ours", "difference") if code is not None]
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name.replace("_", " "), justify="left" if name in ("day", "model") else "right")
    for line in found.by(by):
        told = _model(line) if line.model is not None else "all"
        table.add_row(str(line.day or "all"), told, *_amounts(line, code))
    table.add_row("together", "", *_amounts(found.whole, code))
    return table


def _model(line: ComparedLine) -> str:
    return line.model or f"({', '.join(dict.fromkeys(filter(None, line.invoiced.items))) or 'no model'})"


def _amounts(line: ComparedLine, code: str | None) -> list[str]:
    shown = [line.invoiced.amount_usd, line.ours.cost_usd, line.difference_usd]
    shown += [getattr(line.explanation, part) for part in (*PARTS, OPEN)]
    if code is not None and line.in_currency is not None:
        shown += [line.in_currency.invoiced, line.in_currency.ours, line.in_currency.difference]
    return [format(amount, ",.4f") for amount in shown]
