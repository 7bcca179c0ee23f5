"""`./tally control`: what was asked of the log, how far it is, and orders to what still runs."""

import getpass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Annotated
from uuid import UUID

import typer

from deploy.cli.asking.amount import amount
from deploy.cli.asking.asked import control_settings
from deploy.cli.asking.control_report import as_json, in_full, records_table
from deploy.cli.console import console
from deploy.cli.warehouse import connected
from deploy.errors import DeployError, WrongSetting
from producers.control.bodies import BODIES
from stream_jobs.control.publisher import FORGOTTEN, Publisher
from warehouse.control import orders
from warehouse.control.following import followed, newest
from warehouse.control.orders import Order
from warehouse.control.outbox import unpublished
from warehouse.control.records import Records
from warehouse.control.standing import State

app = typer.Typer(add_completion=False, no_args_is_help=True)
LISTED = 50
Kind = StrEnum("Kind", {kind: kind for kind in BODIES})  # type: ignore[misc]
ControlId = Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, a line each.")]


@app.callback()
def control() -> None:
    """Follow, pause, resume and cancel what was asked for."""


@app.command("list")
def list_(
    kind: Annotated[Kind | None, typer.Option(help="Only this kind.")] = None,
    organization: Annotated[
        str | None, typer.Option(help="Only about this organisation; '' is the whole installation.")
    ] = None,
    state: Annotated[State | None, typer.Option(help="Only what is in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the newest first.")] = LISTED,
    json: AsJson = False,
) -> None:
    """List what was asked for, the newest first, and how far it is."""
    which = Records(kind=kind.value if kind else None, organization=organization)
    with connected("tally") as (client, _):
        found = list(islice(newest(client, which, state), limit))
    if json:
        for each in found:
            print(as_json(each))
    elif found:
        console().print(records_table(found))
    else:
        print("nothing was asked for" if which == Records() and state is None else "no record matches")


@app.command()
def show(control_id: ControlId, json: AsJson = False) -> None:
    """Show one record: what it says, and how far it is in each partition of the log."""
    with connected("tally") as (client, _):
        found = followed(client, known_id(control_id))
    if json:
        print(as_json(found))
    else:
        console().print(in_full(found))


@app.command()
def pause(control_id: ControlId) -> None:
    """Let a job rest after the slice that is being done."""
    order(control_id, Order.PAUSE)


@app.command()
def resume(control_id: ControlId) -> None:
    """Let a paused job go on."""
    order(control_id, Order.RESUME)


@app.command()
def cancel(control_id: ControlId) -> None:
    """End a job for good; what is done stays done, and events that it names are changed all the same when they come."""
    order(control_id, Order.CANCEL)


@app.command()
def publish() -> None:
    """Publish what was stored and did not reach every partition of the log; the auditor does it by itself."""
    with connected("tally") as (client, _):
        settings = control_settings()
        publisher = Publisher(settings, client)
        try:
            left = publisher.finish()
        finally:
            publisher.close()
        still = unpublished(client, datetime.now(UTC) - FORGOTTEN, settings.topic_generation)
    still = [each for each in still if each.partitions]
    if still:
        raise DeployError(f"{amount(len(still), 'record')} could not be published yet: Kafka does not answer")
    older = f"older than {FORGOTTEN.total_seconds():.0f} s "
    print(f"published {amount(left, 'record')}" if left else f"no record {older}waits to be published")


def order(control_id: str, wanted: Order) -> None:
    """Gives an order and says what follows."""
    with connected("tally") as (client, _):
        changed = orders.give(client, known_id(control_id), wanted, getpass.getuser())
        standings = followed(client, known_id(control_id)).standings if wanted is Order.CANCEL else ()
    print(f"{control_id}: {SAID[wanted]}" if changed else f"{control_id}: that was wanted already")
    awaited = sum(each.awaited for each in standings)
    if awaited:
        most = "" if awaited == sum(each.still_awaited for each in standings) else "at most "
        print(
            f"{most}{amount(awaited, 'event')} that it names {'is' if awaited == 1 else 'are'} still awaited: what it "
            "says holds for each that comes all the same"
        )


SAID = {
    Order.PAUSE: "rests after the slice that is being done; ./tally control resume lets it go on",
    Order.RESUME: "goes on",
    Order.CANCEL: "ends after the slice that is being done, for good; what is done stays done",
}


def known_id(text: str) -> str:
    """The id as the warehouse writes it. Raises WrongSetting for what is no id."""
    try:
        return str(UUID(text))
    except ValueError:
        raise WrongSetting(f"{text} is no id of a control record; ./tally control list shows those there are") from None
