"""`./tally status`: each service as it is now."""

import typer
from rich.table import Table

from deploy.cli.console import console
from deploy.local.installation import Installation, ServiceStatus
from deploy.local.spans import span

app = typer.Typer(add_completion=False)

STOPPED, TROUBLED = 3, 1
COLORS = {"running": "green", "waiting": "yellow", "stopped": "dim"}


@app.command()
def status() -> None:
    """Show each service. Exits with 0 when all that was started serves, 1 when not, 3 when nothing runs."""
    services = Installation.from_environment().status()
    console().print(table(services))
    if all(service.state == "stopped" for service in services):
        raise typer.Exit(STOPPED)
    if any(service.state == "waiting" for service in services):
        raise typer.Exit(TROUBLED)


def table(services: list[ServiceStatus]) -> Table:
    """One row per service."""
    shown = Table("service", "state", "pid", "uptime", "memory", "address", "waits for", box=None, padding=(0, 2, 0, 0))
    for service in services:
        color = COLORS[service.state]
        shown.add_row(
            service.name,
            f"[{color}]{service.state}[/{color}]",
            str(service.pid or ""),
            span(service.uptime_seconds) if service.pid else "",
            f"{service.memory_bytes / 2**20:,.0f} MB" if service.pid else "",
            service.address,
            service.waits_for,
        )
    return shown
