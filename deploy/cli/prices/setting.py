"""Changes prices of one model: from a date on, or to an end."""

from typing import Annotated

import typer

from deploy.cli.asking.flat import flat
from deploy.cli.asking.options import How
from deploy.cli.console import console
from deploy.cli.prices.changing import COMMAND_LINE, Changing, since
from deploy.cli.prices.options import From, Model, Organization, named, window
from deploy.cli.prices.report import LINES_SHOWN, difference_lines
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from stream_jobs.configuring.change import Plan
from stream_jobs.configuring.ledger import PRICES
from stream_jobs.pricing.editing.difference import difference
from stream_jobs.pricing.editing.price import NewPrice, with_end, with_price
from stream_jobs.pricing.editing.rate import read_rate
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.price_row import PriceRow


@flat
def set_(
    model: Model,
    how: How,
    rates: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="UNIT=USD...",
            help="input_mtok=2.5, or input_mtok@200000=5 above a context; @+200000: only what is above.",
        ),
    ] = None,
    organization: Organization = "",
    start: From = "",
    daily: Annotated[str, typer.Option(metavar="HH:MM-HH:MM", help="Only at this time of day (UTC).")] = "",
    service_tier: Annotated[str, typer.Option(help="Only for calls served so: batch, flex, priority or fast.")] = "",
    free: Annotated[bool, typer.Option("--free", help="It costs nothing, however it is served.")] = False,
    only: Annotated[
        bool, typer.Option("--only", help="Prices that are not named end, daily windows and service tiers too.")
    ] = False,
    name: Annotated[str, typer.Option(help="The model's name for people.")] = "",
    match: Annotated[str, typer.Option(help="Rule (JSON) that finds a model; else its name does.")] = "",
) -> None:
    """Set prices of a model from a date on; usage before it keeps its price.

    The model `*` of a provider has the price of every model of it that nothing else names.
    """
    provider, model_name = named(model)
    daily_from, daily_to = window(daily)
    try:
        price = NewPrice(
            provider,
            model_name,
            tuple(read_rate(text) for text in rates or ()),
            since(start),
            COMMAND_LINE,
            organization,
            daily_from,
            daily_to,
            name,
            match,
            only=only,
            free=free,
            service_tier=service_tier,
        )
    except PriceListRefused as problem:
        raise WrongSetting(str(problem)) from None
    with connected("tally") as (client, _):
        Changing(client, PRICES, organization, how, show_plan).make(
            lambda rows, everyones: with_price(rows, price, everyones if organization else ())
        )


@flat
def expire(model: Model, how: How, organization: Organization = "", start: From = "") -> None:
    """End the price of a model from a date on: it is unpriced, or costs an organisation what it costs everyone."""
    provider, name = named(model)
    moment = since(start)
    with connected("tally") as (client, _):
        Changing(client, PRICES, organization, how, show_plan).make(
            lambda rows, everyones: with_end(rows, organization, provider, name, moment, COMMAND_LINE, everyones)
        )


def show_plan(plan: Plan[PriceRow], shown: int | None = LINES_SHOWN) -> None:
    """What the new rows change."""
    for line in difference_lines(difference(plan.rows_before, plan.after, plan.everyones), shown):
        console().print(line)
