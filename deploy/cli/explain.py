"""`./tally explain`: how one event got its cost, credits and billed amount, line by line."""

from enum import StrEnum
from typing import Annotated

import typer

from api.resources.explanation_fields import ExplanationAnswer
from deploy.cli.console import console
from deploy.cli.explain_report import show
from deploy.cli.trace import wanted_event
from deploy.cli.warehouse import connected
from deploy.errors import DeployError
from stream_jobs.explanation.explainer import Explainer
from stream_jobs.pricing.errors import RevisionMissing

app = typer.Typer(add_completion=False)
UNKNOWN = 1


class Format(StrEnum):
    """How the answer is written."""

    table = "table"
    json = "json"


@app.command()
def explain(
    event_id: Annotated[str, typer.Argument(help="The event's id: a UUID, or the sender's own key.")],
    organization: Annotated[str | None, typer.Option(help="Its organisation: makes a key of the sender exact.")] = None,
    under: Annotated[
        int | None, typer.Option(min=1, metavar="REVISION", help="Also show the cost under this revision.")
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="How the answer is written.")] = Format.table,
) -> None:
    """Show where every number of an event's money comes from. Exits with 1 when there is no such event."""
    wanted = wanted_event(event_id, organization)
    with connected("tally") as (client, _):
        try:
            found = Explainer(client).explain(wanted.event_id, event_id, organization, under)
        except RevisionMissing as problem:
            raise DeployError(str(problem)) from problem
    for each in found:
        if format is Format.json:
            print(ExplanationAnswer.of(each).model_dump_json())
        else:
            show(each, console())
    if not found:
        console().print("No such event was accepted; ./tally trace says what became of it.")
        raise typer.Exit(UNKNOWN)
