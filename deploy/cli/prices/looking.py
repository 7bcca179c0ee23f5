"""Looks at prices: lists, one model in full, what differs, how it came about, and what has no price."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from deploy.cli.asking.options import instant
from deploy.cli.console import console
from deploy.cli.prices.options import (
    LISTED,
    After,
    All,
    AnyOrganization,
    AsJson,
    Before,
    Limit,
    Model,
    Organization,
    State,
    named,
)
from deploy.cli.prices.report import (
    as_json,
    difference_json,
    difference_lines,
    missing_table,
    models_table,
    price_values,
    rows_table,
    steps_table,
)
from deploy.cli.prices.revisions import print_history, state_of
from deploy.cli.visible import visible
from deploy.cli.warehouse import connected
from deploy.errors import DeployError
from stream_jobs.configuring.ledger import PRICES
from stream_jobs.configuring.state import history_of
from stream_jobs.explanation.missing_units import missing_units
from stream_jobs.pricing.editing.difference import difference
from stream_jobs.pricing.editing.price_list import listed_models
from stream_jobs.pricing.editing.spellings import Spellings
from warehouse.queries.query import ask
from warehouse.queries.unpriced import UnpricedModels


def list_(
    provider: Annotated[str, typer.Option(help="Only this provider.")] = "",
    search: Annotated[str, typer.Option(help="Only models with this text in id or name.")] = "",
    organization: AnyOrganization = None,
    at: Annotated[str, typer.Option(help="As it was or will be at this date or time; else now.")] = "",
    revision: State = None,
    limit: Limit = LISTED,
    json: AsJson = False,
) -> None:
    """List what models cost: USD per million tokens, and other units with their names."""
    with connected("tally") as (client, _):
        state = state_of(client, PRICES, revision, organization)
    moment = instant("--at", at) or datetime.now(UTC)
    found = listed_models(state.rows, moment, provider, search, organization)
    if json:
        for listed in found[:limit]:
            rows = [price_values(row) for sheet in listed.sheets for row in sheet.rows]
            print(as_json({"revision": state.state, "provider": listed.provider, "model": listed.model, "rows": rows}))
        return
    console().print(models_table(found[:limit]))
    more = f"; the first {limit:,} are shown (--limit)" if len(found) > limit else ""
    console().print(f"{len(found):,} models, revision {state.state}{more}")


def show(model: Model, organization: Organization = "", revision: State = None, json: AsJson = False) -> None:
    """Show every price of one model: since when, from which source, who set it and why."""
    asked = named(model)
    with connected("tally") as (client, _):
        state = state_of(client, PRICES, revision, organization)
    provider, name = Spellings(state.rows).entry(*asked)
    said = [each for each in state.said if (each.row.provider, each.row.model) == (provider, name)]
    if not said:
        raise DeployError(f"{model} has no price in revision {state.state}; ./tally prices list shows those there are")
    if json:
        for each in said:
            about = {"author": each.author, "note": each.note, "created": each.created}
            print(as_json({"revision": state.owners[each.row.organization], **price_values(each.row), **about}))
        return
    console().print(f"{provider}/{name}, {said[0].row.display_name}")
    console().print(f"found by {said[0].row.match or 'its name'}")
    console().print(rows_table(said))


def diff(
    before: Before,
    after: After,
    organization: AnyOrganization = None,
    json: AsJson = False,
    all_: All = False,
) -> None:
    """Show what differs between the prices as of two revisions."""
    with connected("tally") as (client, _):
        former, latter = (state_of(client, PRICES, number, organization) for number in (before, after))
    found = difference(former.rows, latter.rows)
    lines = difference_json(found) if json else map(visible, difference_lines(found, None if all_ else LISTED))
    print("\n".join(lines))


def history(
    model: Annotated[str, typer.Argument(metavar="[PROVIDER/MODEL]", help="Only what changed this model.")] = "",
    organization: AnyOrganization = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")] = 50,
    json: AsJson = False,
) -> None:
    """List revisions, or those that changed one model: who made them, why, and since when they are in force."""
    with connected("tally") as (client, _):
        if not model:
            print_history(client, "prices", organization, limit, json=json)
            return
        state = state_of(client, PRICES, None, organization)
        entry = Spellings(state.rows).entry(*named(model))
        steps = history_of(client, PRICES, organization or "", *entry)[:limit]
    if json:
        for step in steps:
            about = {"revision": step.revision.revision, "author": step.revision.author, "note": step.revision.note}
            rows = [price_values(row) for row in step.after]
            print(as_json({**about, "created": step.revision.created, "rows": rows}))
        return
    console().print(steps_table(steps))


def missing(
    organization: Annotated[str | None, typer.Option(help="Only usage of this organisation.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Usage of so many days until now.")] = 30,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the most used first.")] = 100,
    json: AsJson = False,
) -> None:
    """List models whose usage has no price, or only in part, with their volumes."""
    with connected("tally") as (client, _):
        found = ask(client, UnpricedModels(organization, days, limit))
        units = missing_units(client, found)
    if json:
        for each, without in zip(found, units, strict=True):
            print(as_json(asdict(each) | {"unpriced_units": without}))
        return
    if not found:
        print(f"all usage of the last {days} days has a price")
        return
    console().print(missing_table(found, units))
    console().print("./tally prices set PROVIDER/MODEL input_mtok=… --from … gives a price, ./tally reprice applies it")
