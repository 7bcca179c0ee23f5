"""`./tally backup`: the whole installation in one folder, while everything runs."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from deploy.cli.console import console, done, whole
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from deploy.local.backups import folders
from deploy.local.backups.making import make_backup
from deploy.local.backups.restoring import told_progress
from deploy.local.installation import Installation

LONGEST_STATEMENT_SECONDS = 24 * 3600
app = typer.Typer(add_completion=False)


@app.command()
def backup(
    target: Annotated[
        Path | None, typer.Argument(help="A folder, or a file that ends in .tar; neither may exist yet.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show the backups in the folder instead.")] = False,
) -> None:
    """Back up warehouse, progress and configuration while everything runs; without a name, below TALLY_HOME/backups.

    A backup holds the API keys (hashed) and the keys of the data, no passwords of services: guard it like the data.
    """
    installation, shown = Installation.from_environment(), console()
    if listed:
        shown.print(_list(target or installation.home.backups))
        return
    began = time.monotonic()
    with connected("tally", database="", longest_seconds=LONGEST_STATEMENT_SECONDS) as (client, settings):
        path, manifest = make_backup(
            installation, client, settings.database, target, lambda line: shown.print(done(line))
        )
    shown.print(
        f"{path}: {told_progress(manifest.progress)}; {manifest.size / 1e6:,.1f} MB in {time.monotonic() - began:.1f} s"
    )


def _list(folder: Path) -> Table | str:
    """The backups in a folder; a sentence where there are none. Raises WrongSetting when there is no folder."""
    folders.require_plain(folder)
    if not folder.is_dir():
        raise WrongSetting(f"there is no folder {folder}, so no backup in it; name another one")
    found = folders.listed(folder)
    if not found:
        return f"there is no backup in {folder}"
    table = Table(whole("backup"), "begun (UTC)", "MB", "events", "Tokentally")
    for each in found:
        name, manifest = _shown(each.path.name), each.manifest
        if manifest is None:
            table.add_row(name, "", "", "", _shown(f"damaged: {each.damage}"))
            continue
        table.add_row(
            name,
            f"{manifest.began:%Y-%m-%d %H:%M:%S}",
            f"{manifest.size / 1e6:,.1f}",
            f"{manifest.accepted:,}",
            manifest.product_version,
        )
    return table


def _shown(text: str) -> str:
    """One line, whatever bytes a name has."""
    return " ".join(text.encode(errors="replace").decode().split())
