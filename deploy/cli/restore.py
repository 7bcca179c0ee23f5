"""`./tally restore`: a backup in the place of the data, as a whole; workers go on from there."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.console import console, done
from deploy.errors import WrongSetting
from deploy.local.backups.restoring import Restore, told_progress
from deploy.local.installation import Installation

app = typer.Typer(add_completion=False)


@app.command()
def restore(
    source: Annotated[Path | None, typer.Argument(exists=True, help="The folder or .tar file of a backup.")] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Delete the data that the warehouse has, and API keys that the backup lacks; without it they are "
            "never touched.",
        ),
    ] = False,
    other_log: Annotated[
        bool,
        typer.Option(
            "--other-log", help="The log is another one, counted apart under a raised TALLY_TOPIC_GENERATION."
        ),
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Give a restore up that was killed, and go on with the data as they were.")
    ] = False,
) -> None:
    """Put a backup back: stops what writes, replaces the data as a whole, starts again what ran.

    Workers go on behind the backup's progress and count again from Kafka what came after it.
    """
    installation, shown = Installation.from_environment(), console()
    doing = Restore(installation, replace, other_log, lambda line: shown.print(done(line)))
    if abandon:
        doing.abandon()
        shown.print("given up: the data are what they were")
        return
    if source is None:
        raise WrongSetting("which backup? ./tally backup --list shows those of this installation")
    manifest = doing.run(source)
    shown.print(
        f"restored: {told_progress(manifest.progress)}; what the log has after that is counted again. API keys are "
        "those of the backup. ./tally reconcile proves the numbers"
    )
