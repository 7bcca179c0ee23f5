"""`./tally migrate`: brings the warehouse's tables to this version."""

import typer

from deploy.cli.warehouse import connected
from warehouse.migrate import migrate as apply

app = typer.Typer(add_completion=False)


@app.command()
def migrate() -> None:
    """Bring the warehouse's tables to this version. Idempotent; ./tally up does it too."""
    with connected("tally", database="") as (client, settings):
        done = apply(client, settings.database)
    print("\n".join(f"applied {name}" for name in done) or "nothing to apply")
