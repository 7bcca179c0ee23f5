"""`./tally status`: each service as it is now."""

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from deploy.cli import partitions
from deploy.cli.console import console
from deploy.local.installation import Installation, ServiceStatus
from deploy.local.spans import span
from deploy.local.told import Told

app = typer.Typer(add_completion=False)

STOPPED, TROUBLED = 3, 1
COLORS = {"running": "green", "waiting": "yellow", "stopped": "dim"}


@app.command()
def status(
    by_partition: Annotated[
        bool, typer.Option("--partitions", help="Also each partition of the log: worker, lag, counts, late events.")
    ] = False,
) -> None:
    """Show each service. Exits with 0 when all that was started serves, 1 when not, 3 when nothing runs."""
    installation = Installation.from_environment()
    services = installation.status()
    shown = console()
    shown.print(table(services))
    told = [Told.read(installation.home.run, service.name, service.pid) for service in services if service.pid]
    if line := jobs_line(each for each in told if each is not None):
        shown.print("", line)
    if by_partition:
        shown.print("", partitions.table(partitions.lines(installation)))
    if all(service.state == "stopped" for service in services):
        raise typer.Exit(STOPPED)
    if any(service.state == "waiting" for service in services):
        raise typer.Exit(TROUBLED)


def jobs_line(told: Iterable[Told]) -> str:
    """What the workers have still to do for control records; "" without anything."""
    each_told = list(told)
    jobs = sum(each.jobs.get("open", 0) for each in each_told)
    left = sum(each.jobs.get("slices_left", 0) for each in each_told)
    if not jobs:
        return ""
    one = "1 job of a log partition is open" if jobs == 1 else f"{jobs:,} jobs of log partitions are open"
    return f"{one}: {left:,} {'slice' if left == 1 else 'slices'} (a day of an organization each) left to do"


def table(services: list[ServiceStatus]) -> Table:
    """One row per service."""
    shown = Table("service", "state", "pid", "uptime", "memory", "address", "waits for", box=None, padding=(0, 2, 0, 0))
    for service in services:
        shown.add_row(
            service.name,
            Text(service.state, COLORS[service.state]),
            str(service.pid or ""),
            span(service.uptime_seconds) if service.pid else "",
            f"{service.memory_bytes / 2**20:,.0f} MB" if service.pid else "",
            service.address,
            service.waits_for,
        )
    return shown
