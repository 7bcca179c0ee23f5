"""`./tally margin`: what calls cost us against what is billed for them, by customer, model or day."""

import dataclasses
import json as json_text
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from deploy.cli.asking.options import local_day
from deploy.cli.console import console
from deploy.cli.currency import known_code
from deploy.cli.rejected_report import plain
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from warehouse.queries.margin import Margin, MarginBy, MarginOrder, MarginPage, Margins
from warehouse.queries.query import ask
from warehouse.queries.ranges import Preset, resolved
from warehouse.queries.selection import Selection

app = typer.Typer(add_completion=False)
COLUMNS = ("requests", "cost_usd", "byok_cost_usd", "provider_cost_usd", "billed_usd", "margin_usd", "margin_share")
CONVERTED = ("cost", "provider cost", "billed", "margin")


@app.command()
def margin(
    organization: Annotated[str | None, typer.Option(help="Only this organisation; all together without it.")] = None,
    by: Annotated[MarginBy, typer.Option(help="What the margin is told of.")] = MarginBy.CUSTOMER,
    customer: Annotated[str | None, typer.Option(help="Only this customer; '' is usage without one.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    model: Annotated[str | None, typer.Option(help="Only this model.")] = None,
    since: Annotated[str, typer.Option("--from", help="First day, in the organisation's calendar.")] = "",
    until: Annotated[str, typer.Option("--to", help="Last day, included.")] = "",
    order: Annotated[MarginOrder, typer.Option(help="What comes first.")] = MarginOrder.LOWEST_MARGIN,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many values.")] = 50,
    currency: Annotated[str | None, typer.Option(help="Show money in this currency too, at each day's rate.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Write JSON, a line each; the first is the whole.")] = False,
) -> None:
    """Show provider cost, billed amount and margin of the last 30 days, or of the days given."""
    code = known_code(currency)
    days = resolved(
        Preset.CUSTOM if since or until else Preset.LAST_30_DAYS,
        datetime.now(UTC).date(),
        local_day("--from", since),
        local_day("--to", until),
    )
    chosen = (("customer_id", customer), ("provider", provider), ("model", model))
    equals = tuple((name, value) for name, value in chosen if value is not None)
    with connected("tally") as (client, _):
        selection = Selection(organization, days.first, days.last, equals)
        found = ask(client, Margins(by, selection, order, limit, currency=code))
    if found.gap is not None:
        raise WrongSetting(str(found.gap))
    if json:
        for each in (found.whole, *found.page):
            print(json_text.dumps(_said(each, code), ensure_ascii=False, default=str))
        return
    console().print(_table(by, found, code))
    if len(found.page) < found.values:
        console().print(f"… and {found.values - len(found.page):,} more (--limit)")


def _table(by: MarginBy, found: MarginPage, code: str | None = None) -> Table:
    owned = ("organization",) if by is MarginBy.CUSTOMER else ()
    shown = [f"{name} {code}" for name in CONVERTED if code is not None]
    table = Table(by.value, *owned, *COLUMNS, *shown, box=None, padding=(0, 2, 0, 0))
    for each in (*found.page, dataclasses.replace(found.whole, value="all")):
        share = "" if each.margin_share is None else f"{each.margin_share:.1%}"
        money = (format(getattr(each, name), ".9f") for name in COLUMNS[1:-1])
        names = (plain(each.value) or "none", *(plain(each.organization) for _ in owned))
        table.add_row(*names, f"{each.requests:,}", *money, share, *_converted(each))
    return table


def _converted(each: Margin) -> list[str]:
    shown = each.converted
    return [] if shown is None else [format(getattr(shown, name.replace(" ", "_")), ".9f") for name in CONVERTED]


def _said(each: Margin, code: str | None) -> dict[str, object]:
    return {**dataclasses.asdict(each), "margin_share": each.margin_share, "currency": code}
