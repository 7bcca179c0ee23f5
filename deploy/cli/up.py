"""`./tally up`: starts what does not run, waits until all of it serves, says where it is."""

from typing import Annotated

import typer
from rich.table import Table

from deploy.cli import first_key
from deploy.cli.console import console, done
from deploy.local.installation import Installation
from deploy.local.secrets import Secrets

app = typer.Typer(add_completion=False)


@app.command()
def up(
    no_superset: Annotated[bool, typer.Option("--no-superset", help="Leave the dashboards out.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Stream workers from now on; also while they run.")
    ] = None,
) -> None:
    """Start everything and wait until it serves. What serves already is left as it is."""
    installation = Installation.from_environment(**({} if workers is None else {"workers": workers}))
    shown = console()
    without = ("superset",) if no_superset else ()
    installation.up(without=without, report=lambda line: shown.print(done(line)))
    shown.print(addresses(installation, with_superset=not no_superset))
    shown.print(first_key.sentence(installation.home.keys))


def addresses(installation: Installation, *, with_superset: bool) -> Table:
    """Where a person finds each thing."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    base = {service.name: service.address for service in installation.plan.services()}
    if with_superset:
        password = Secrets(installation.home.secrets).read("superset_admin")
        table.add_row("Dashboards", base["superset"], f"user admin, password {password}")
    table.add_row("API", base["api"], "its description: /openapi.json")
    table.add_row("Collector", base["collector"], "POST /v1/events")
    table.add_row("Warehouse", base["warehouse"], './tally sql "SELECT …"')
    table.add_row("Kafka", base["kafka"], installation.settings.events_topic)
    return table
