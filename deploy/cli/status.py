"""`./tally status`: each service as it is now."""

import typer
from rich.table import Table

from deploy.cli.console import console
from deploy.local.installation import Installation, ServiceStatus

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
            duration(service.uptime_seconds) if service.pid else "",
            f"{service.memory_bytes / 2**20:,.0f} MB" if service.pid else "",
            service.address,
            service.waits_for,
        )
    return shown


def duration(seconds: float) -> str:
    """A time span as people say it: 42 s, 3 min, 5 h, 2 days."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
