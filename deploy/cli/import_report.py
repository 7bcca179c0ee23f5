"""What a person sees of an import: a bar while it runs, then what came of it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from deploy.cli.warehouse import connected
from deploy.local.installation import Installation
from producers.importers import progress as importing
from producers.importers.collector_client import Collector
from producers.importers.importer import Importer
from producers.importers.progress import ProgressFolder
from producers.importers.upload import Upload, upload
from warehouse.organizations import listed

REJECTIONS_SHOWN = 20
BY_MODEL = """
    SELECT
        provider,
        model,
        sum(requests),
        sum(total_input_tokens),
        sum(total_output_tokens),
        sum(cost_usd),
        sum(unpriced_requests)
    FROM usage_daily
    WHERE organization = {organization:String} AND day BETWEEN {first:Date} AND {last:Date}
    GROUP BY provider, model
    ORDER BY sum(cost_usd) DESC, provider, model
"""


def send(
    console: Console, file: Path, importer: Importer, collector: Collector, folder: ProgressFolder, *, again: bool
) -> Upload:
    """Uploads the file under a progress bar."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"Sending {file.name}", total=file.stat().st_size)

        def show(done: importing.Progress, bytes_read: int) -> None:
            bar.update(task, completed=bytes_read, description=f"Sending {file.name}: {done.rows_done:,} records")

        return upload(file, importer, collector, folder, again=again, on_progress=show)


def report(console: Console, installation: Installation, organization: str, result: Upload, *, visible: bool) -> None:
    """Prints counts, rejections, the organisation's usage in those days, and where the dashboard is."""
    progress = result.progress
    if not result.sent:
        console.print("This was imported already: nothing was sent. (--again sends it once more; it counts once.)")
    elif result.resumed_rows:
        console.print(f"Continued an interrupted import after {result.resumed_rows:,} records.")
    console.print(f"{progress.rows_done:,} records: {progress.accepted:,} accepted, {progress.rejected:,} rejected.")
    if progress.rejected:
        _print_rejections(console, ProgressFolder(installation.home.folder / "imports"), progress)
    if visible and progress.first_time:
        with connected("tally") as (client, _):
            first, last = local_days(client, organization, progress)
            rows = client.query(
                BY_MODEL, parameters={"organization": organization, "first": first, "last": last}
            ).result_rows
        console.print(usage_table(f"Usage of {organization} from {first} to {last}", rows))
    console.print(f"Dashboard: {dashboard(installation)}")


def local_days(client: Client, organization: str, progress: importing.Progress) -> tuple[date, date]:
    """First and last date of the imported events in the organisation's calendar."""
    known = next(iter(listed(client, organization)), None)
    zone = ZoneInfo(known.time_zone) if known else UTC
    first, last = (datetime.fromisoformat(time) for time in (progress.first_time, progress.last_time))
    return first.astimezone(zone).date(), last.astimezone(zone).date()


def usage_table(title: str, rows: Sequence[Sequence[object]]) -> Table:
    """Requests, tokens and exact cost by model, with their sums."""
    table = Table(title=title, title_justify="left", show_footer=len(rows) > 1)
    sums = [sum(row[place] for row in rows) for place in range(2, 7)]  # type: ignore[misc]
    table.add_column("provider", "total")
    table.add_column("model")
    for name, total in zip(("requests", "input tokens", "output tokens", "cost in USD"), sums, strict=False):
        table.add_column(name, f"{total:,}", justify="right")
    for provider, model, *figures, unpriced in rows:
        cells = [f"{figure:,}" for figure in figures]
        cells[-1] += f" ({unpriced:,} without a price)" if unpriced else ""
        table.add_row(str(provider), str(model), *cells)
    return table


def dashboard(installation: Installation) -> str:
    """Address of the dashboard that shows imported usage."""
    return f"http://127.0.0.1:{installation.plan.ports.superset}/superset/dashboard/usage-and-cost/"


def _print_rejections(console: Console, folder: ProgressFolder, progress: importing.Progress) -> None:
    for rejection in folder.first_rejections(progress.import_id, REJECTIONS_SHOWN):
        console.print(f"  record {rejection['index']}: {rejection['reason']}", style="yellow")
    if progress.rejected > REJECTIONS_SHOWN:
        console.print(f"  … and {progress.rejected - REJECTIONS_SHOWN:,} more", style="yellow")
    console.print(f"  all of them, with reasons: {folder.rejections(progress.import_id)}")
