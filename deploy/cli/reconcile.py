"""`./tally reconcile`: proves that rollups, running totals and acknowledgements agree with the raw events."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from warehouse.queries.reconcile.acknowledged import Acknowledgement, parsed
from warehouse.queries.reconcile.difference import Difference
from warehouse.queries.reconcile.reconcile import Report, Scope, reconcile

app = typer.Typer(add_completion=False)
DIFFERENT = 1
SHOWN = 50


class Format(StrEnum):
    """How the report is written."""

    table = "table"
    json = "json"


@app.command("reconcile")
def command(
    organization: Annotated[str | None, typer.Option(help="Only this organisation.")] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First local day, included.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last local day, included.")
    ] = None,
    acknowledged: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help='What the collector acknowledged, one {"organization", "event_id", "partition", "offset"} per line.',
        ),
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="How the report is written.")] = Format.table,
) -> None:
    """Compare rollups, running totals and acknowledgements with the raw events. Exits with 1 when they differ."""
    scope = Scope(organization, _day(first), _day(last))
    if scope.first and scope.last and scope.first > scope.last:
        raise WrongSetting(f"--from {scope.first} is after --to {scope.last}; swap them")
    sent = read_acknowledgements(acknowledged) if acknowledged else iter(())
    with connected("tally") as (client, _), Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("comparing", total=1.0)
        report = reconcile(client, scope, sent, advance=lambda share: bar.update(task, completed=share))
    if format is Format.json:
        print(json.dumps(as_json(report), indent=1))
    else:
        show(report, Console(highlight=False))
    if report.differing:
        raise typer.Exit(DIFFERENT)


def read_acknowledgements(path: Path) -> Iterator[Acknowledgement]:
    """The lines of a file, empty ones skipped. Raises WrongSetting with the line that cannot be read."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield parsed(line)
            except ValueError as problem:
                raise WrongSetting(f"{path}, line {number}: {problem}") from problem


def show(report: Report, console: Console) -> None:
    """One line when everything agrees, else a table of differences."""
    as_of = report.as_of.isoformat(timespec="milliseconds") if report.as_of else "the start of the log"
    if report.waiting:
        console.print(f"{report.waiting:,} acknowledged events are not applied yet; they were not compared")
    if not report.differing:
        console.print(f"no difference in {report.rows:,} rows, {report.measures} measures, up to {as_of}")
        return
    table = Table("check", "organization", "partition", "period", "dimensions", "measure", "expected", "stored")
    shown = report.differences[:SHOWN]
    for found in shown:
        for measure, expected in found.expected.items():
            table.add_row(*_row(found), measure, f"{expected:,}", f"{found.stored[measure]:,}")
    console.print(table)
    more = f", the first {len(shown)} of them above" if report.differing > len(shown) else ""
    console.print(f"{report.differing:,} of {report.rows:,} rows differ{more}, up to {as_of}")


def as_json(report: Report) -> dict[str, object]:
    """The report for programs; numbers are integers in nano-USD, millionths of a credit, tokens and milliseconds."""
    return {
        "as_of": report.as_of.isoformat() if report.as_of else None,
        "rows": report.rows,
        "measures": report.measures,
        "differing": report.differing,
        "acknowledged_not_applied_yet": report.waiting,
        "differences": [
            {
                "check": found.check,
                "organization": found.organization,
                "partition": found.partition,
                "period": found.period,
                "dimensions": dict(found.dimensions),
                "expected": dict(found.expected),
                "stored": dict(found.stored),
            }
            for found in report.differences
        ],
    }


def _row(found: Difference) -> tuple[str, str, str, str, str]:
    dimensions = " ".join(f"{name}={value}" for name, value in found.dimensions.items())
    return found.check, found.organization, str(found.partition), found.period, dimensions


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
