"""Imports whole price lists: a file in, all of it as a revision out, or nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.asking.flat import flat
from deploy.cli.asking.options import How
from deploy.cli.console import console
from deploy.cli.prices.changing import Changing, since
from deploy.cli.prices.options import All, Organization
from deploy.cli.prices.report import LINES_SHOWN
from deploy.cli.prices.setting import show_plan
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from stream_jobs.additions.listed import with_shipped
from stream_jobs.configuring.change import Plan
from stream_jobs.configuring.ledger import PRICES
from stream_jobs.pricing.editing.listed import Replaces, owned
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.imports import read_price_list
from stream_jobs.pricing.imports.known_list import with_import
from stream_jobs.pricing.price_row import PriceRow


@flat
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A price list.")],
    how: How,
    format: Annotated[str | None, typer.Option("--format", help="What the file is; else it is found out.")] = None,
    organization: Organization = "",
    start: Annotated[
        str, typer.Option("--from", help="What differs holds from then on; else the list's own dates hold.")
    ] = "",
    replaces: Annotated[
        Replaces, typer.Option(help="Of which models the list is complete: it takes away what it lacks of them.")
    ] = Replaces.MODELS,
    without: Annotated[
        list[str] | None, typer.Option(metavar="PROVIDER/MODEL", help="Leave this model out; several times for more.")
    ] = None,
    all_: All = False,
) -> None:
    """Import a price list: genai-prices, llms.json, models.dev, LiteLLM or CSV.

    All of it, or nothing when a line is wrong. It shows what would change, and asks before it applies.
    """
    try:
        listed = with_shipped(read_price_list(file.read_bytes(), file.name, format, without=without or ()))
        rows = owned(listed.rows, organization)
    except PriceListRefused as problem:
        raise WrongSetting(f"{file} was refused, nothing was applied:\n{problem}") from None
    for note in listed.notes:
        console().print(note)
    moment = since(start) if start else None

    def shown(plan: Plan[PriceRow]) -> None:
        show_plan(plan, None if all_ else LINES_SHOWN)

    with connected("tally") as (client, _):
        Changing(client, PRICES, organization, how, shown).make(
            lambda known, everyones: with_import(
                known, replace(listed, rows=tuple(rows)), replaces, moment, everyones if organization else ()
            ),
            listed.source,
        )
