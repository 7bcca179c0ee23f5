"""`./tally free-usage`: executions of the free plan by user and UTC day, against the daily limit."""

import dataclasses
import json as json_text
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from deploy.cli.asking.options import local_day
from deploy.cli.console import console, folded
from deploy.cli.currency import known_code
from deploy.cli.rejected_report import plain
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from warehouse.errors import MissingExchangeRate
from warehouse.queries.exchange_rates import RatesInForce
from warehouse.queries.free_usage import FreeUsage
from warehouse.queries.query import ask
from warehouse.queries.ranges import Preset, resolved

app = typer.Typer(add_completion=False)


@app.command()
def free_usage(
    organization: Annotated[str | None, typer.Option(help="Only this organisation.")] = None,
    user: Annotated[str | None, typer.Option(help="Only this user; '' is usage without one.")] = None,
    since: Annotated[str, typer.Option("--from", help="First day, in UTC; today without it.")] = "",
    until: Annotated[str, typer.Option("--to", help="Last day, included.")] = "",
    above_limit: Annotated[bool, typer.Option("--above-limit", help="Only users beyond their limit.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many rows.")] = 100,
    currency: Annotated[str | None, typer.Option(help="Show costs in this currency too, at each day's rate.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Write JSON, a line each.")] = False,
) -> None:
    """Show executions of the free plan; the limit starts anew at midnight UTC."""
    code = known_code(currency)
    days = resolved(
        Preset.CUSTOM if since or until else Preset.TODAY,
        datetime.now(UTC).date(),
        local_day("--from", since),
        local_day("--to", until),
    )
    with connected("tally") as (client, _):
        found = ask(client, FreeUsage(organization, days.first, days.last, user, above_limit, limit))
        rates = None if code is None else ask(client, RatesInForce(code))
    try:
        shown = [None if rates is None else each.cost_in(rates) for each in found]
    except MissingExchangeRate as gap:
        raise WrongSetting(str(gap)) from None
    if json:
        for each, cost in zip(found, shown, strict=True):
            said = dataclasses.asdict(each) | {"currency": code, "converted_cost": cost}
            print(json_text.dumps(said, ensure_ascii=False, default=str))
        return
    table = Table(
        *(
            "day (UTC)",
            folded("organization"),
            folded("user"),
            "executions",
            "limit",
            "remaining",
            "excess",
            "cost_usd",
        ),
        *(() if code is None else (f"cost {code}",)),
        box=None,
        padding=(0, 2, 0, 0),
    )
    for each, cost in zip(found, shown, strict=True):
        table.add_row(
            *(each.day.isoformat(), plain(each.organization), plain(each.user_id)),
            *map(str, (each.executions, each.free_daily_limit, each.remaining, each.excess)),
            *(format(amount, ".9f") for amount in (each.cost_usd, cost) if amount is not None),
        )
    console().print(table)
