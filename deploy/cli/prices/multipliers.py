"""`./tally multipliers`: how many credits a request of each model counts, since when and who said so."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated

import typer
from clickhouse_connect.driver.client import Client

from deploy.cli.asking.flat import flat
from deploy.cli.asking.options import How, instant
from deploy.cli.console import console
from deploy.cli.prices.changing import COMMAND_LINE, Changing, since
from deploy.cli.prices.multiplier_report import multiplier_lines, multiplier_values, multipliers_table
from deploy.cli.prices.options import (
    After,
    AnyOrganization,
    AsJson,
    Before,
    From,
    Limit,
    Model,
    Organization,
    State,
    named,
)
from deploy.cli.prices.report import as_json
from deploy.cli.prices.revisions import print_history, state_of
from deploy.cli.visible import visible
from deploy.cli.warehouse import connected
from deploy.errors import DeployError, WrongSetting
from stream_jobs.configuring.change import Plan
from stream_jobs.configuring.ledger import MULTIPLIERS, PRICES
from stream_jobs.configuring.said import Said
from stream_jobs.credits.editing import milli_of, multiplier_difference, with_multiplier, with_multiplier_end
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.pricing.editing.spellings import Spellings

app = typer.Typer(add_completion=False, no_args_is_help=True)
EVERY_MODEL = "default"


@app.callback()
def multipliers() -> None:
    """Look at multipliers of credits and change them: for everyone, or for one organisation."""


@app.command("list")
def list_(
    search: Annotated[str, typer.Option(help="Only models with this text in the name.")] = "",
    organization: AnyOrganization = None,
    at: Annotated[str, typer.Option(help="As it was or will be at this date or time; else now.")] = "",
    revision: State = None,
    limit: Limit = 1000,
    json: AsJson = False,
) -> None:
    """List how many credits a request of each model counts."""
    with connected("tally") as (client, _):
        state = state_of(client, MULTIPLIERS, revision, organization)
    moment = instant("--at", at) or datetime.now(UTC)
    newest = {
        (row.organization, row.provider, row.model): each
        for each in state.said
        if (row := each.row).effective_from <= moment and search.lower() in f"{row.provider}/{row.model}".lower()
    }
    newest = {key: each for key, each in newest.items() if not each.row.ended}
    shown = list(newest.values())[:limit]
    if json:
        for each in shown:
            print(as_json({"revision": state.owners[each.row.organization], **multiplier_values(each)}))
        return
    console().print(multipliers_table(shown))
    console().print(f"{len(newest):,} multipliers, revision {state.state}")


@app.command()
def show(model: Model, organization: Organization = "", revision: State = None, json: AsJson = False) -> None:
    """Show every multiplier of one model, or of `default`: since when, who set it and why."""
    provider, name = meant(model)
    with connected("tally") as (client, _):
        state = state_of(client, MULTIPLIERS, revision, organization)
        entry = known(client, organization, provider, name)
    said = _of_model(state.said, provider, name) or _of_model(state.said, *entry)
    if not said:
        raise DeployError(f"{model} has no multiplier of its own: `default` holds for it")
    if json:
        for each in said:
            print(as_json({"revision": state.owners[each.row.organization], **multiplier_values(each)}))
        return
    console().print(multipliers_table(said))


@app.command("set")
@flat
def set_(
    model: Model,
    multiplier: Annotated[str, typer.Argument(help="Credits a request counts: 0 to 1000, at most 3 places.")],
    how: How,
    organization: Organization = "",
    start: From = "",
) -> None:
    """Set a multiplier from a date on: of PROVIDER/MODEL, of /MODEL at any provider, or of `default`."""
    provider, name = meant(model)
    try:
        milli = milli_of(multiplier)
        new = MultiplierRow(provider, name, milli, COMMAND_LINE, how.note, since(start), organization)
    except CreditRulesRefused as problem:
        raise WrongSetting(str(problem)) from None
    with connected("tally") as (client, _):
        entry = known(client, organization, provider, name)
        set_for = replace(new, provider=entry[0], model=entry[1])
        Changing(client, MULTIPLIERS, organization, how, show_plan).make(lambda rows, _: with_multiplier(rows, set_for))


@app.command()
@flat
def expire(model: Model, how: How, organization: Organization = "", start: From = "") -> None:
    """End a multiplier from a date on: what is said of the model less specifically, or for everyone, holds again."""
    provider, name = meant(model)
    end = MultiplierRow(provider, name, 0, COMMAND_LINE, how.note, since(start), organization, ended=True)
    with connected("tally") as (client, _):
        entry = known(client, organization, provider, name)
        Changing(client, MULTIPLIERS, organization, how, show_plan).make(
            lambda rows, _: with_multiplier_end(rows, end, entry)
        )


@app.command()
def diff(before: Before, after: After, organization: AnyOrganization = None, json: AsJson = False) -> None:
    """Show what differs between the multipliers as of two revisions."""
    with connected("tally") as (client, _):
        former, latter = (state_of(client, MULTIPLIERS, number, organization) for number in (before, after))
    found = multiplier_difference(former.rows, latter.rows)
    if json:
        for each in found:
            print(as_json(asdict(each)))
        return
    print(visible("\n".join(multiplier_lines(found) or ["no multiplier differs"])))


@app.command()
def history(organization: AnyOrganization = None, limit: Limit = 50, json: AsJson = False) -> None:
    """List revisions: who made them, why, and since when they are in force."""
    with connected("tally") as (client, _):
        print_history(client, "multipliers", organization, limit, json=json)


def show_plan(plan: Plan[MultiplierRow]) -> None:
    """What the new rows change."""
    found = multiplier_difference(plan.rows_before, plan.after, plan.everyones)
    for line in multiplier_lines(found) or ["nothing changes"]:
        console().print(line)


def known(client: Client, organization: str, provider: str, model: str) -> tuple[str, str]:
    """The entry of the price list that a name means, whose multiplier then holds however events write it."""
    if not (provider and model):
        return provider, model
    return Spellings(state_of(client, PRICES, None, organization).rows).priced_as(provider, model)


def _of_model(said: Sequence[Said[MultiplierRow]], provider: str, model: str) -> list[Said[MultiplierRow]]:
    name = provider.lower(), model.lower()
    return [each for each in said if (each.row.provider.lower(), each.row.model.lower()) == name]


def meant(model: str) -> tuple[str, str]:
    """Provider and model; of /MODEL no provider, of `default` neither. Raises WrongSetting."""
    if model == EVERY_MODEL:
        return "", ""
    return ("", model[1:]) if model.startswith("/") and len(model) > 1 else named(model)
