"""`./tally reconcile`: proves that rollups, running totals, acknowledgements and the log agree with the raw events."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from deploy.cli.console import narrow_console
from deploy.cli.log_check import against_log
from deploy.cli.repair import Repair
from deploy.cli.swept import hashed, swept
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from warehouse.queries.reconcile.acknowledged import Acknowledgement, parsed
from warehouse.queries.reconcile.cures import cures, failed_jobs, incomplete_partitions
from warehouse.queries.reconcile.difference import Difference, Place
from warehouse.queries.reconcile.reconcile import Reconciler, Report, Scope, reconcile

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
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Have days that differ computed again from raw events, then compare again."),
    ] = False,
    format: Annotated[Format, typer.Option("--format", help="How the report is written.")] = Format.table,
) -> None:
    """Compare rollups, running totals, acknowledgements and the log with the raw events. Exits with 1 when they differ.

    Before that, what frozen processes have brought back of erased users is removed. The log is counted when everything
    is compared; what was counted before is not read again.
    """
    scope = Scope(organization, _day(first), _day(last))
    if scope.first and scope.last and scope.first > scope.last:
        raise WrongSetting(f"--from {scope.first} is after --to {scope.last}; swap them")
    with connected("tally") as (client, _), Progress(console=narrow_console(stderr=True), transient=True) as bar:
        made = Comparing(client, bar, scope, acknowledged)
        brought_back = swept(client)
        report = made.compared()
        if repair and report.places:
            report = made.repaired(report)
        report.notes += brought_back
    if format is Format.json:
        print(json.dumps(as_json(report), indent=1))
    else:
        show(report, narrow_console())
    if report.differing:
        raise typer.Exit(DIFFERENT)


@dataclass(frozen=True, slots=True)
class Comparing:
    """One run of the command."""

    client: Client
    bar: Progress
    scope: Scope
    acknowledged: Path | None = None

    def compared(self) -> Report:
        """Everything in the scope, and the acknowledgements."""
        sent = read_acknowledgements(self.acknowledged) if self.acknowledged else ()
        report = reconcile(self.client, self.scope, sent, advance=self._shown("comparing"), hashed=hashed)
        if self.scope.everything:
            against_log(self.client, report, self._shown("counting the log"))
        return report

    def repaired(self, before: Report) -> Report:
        """The comparison after the workers have computed again what differed, where raw events are complete."""
        if not self.scope.everything:
            Reconciler(self.client).identities(before, self._shown("counting raw events"))
        incomplete = incomplete_partitions(before.differences)
        places = {place for place in before.places if place.partition not in incomplete}
        failures: tuple[str, ...] = ()
        if places:
            failures = Repair(self.client, self.bar).run(places).messages
        after = self.compared()
        if incomplete and not self.scope.everything:
            Reconciler(self.client).identities(after, self._shown("counting raw events"))
        after.notes += [*_told(places), *(f"a repair failed: {failure}" for failure in failures)]
        after.notes += [
            f"log partition {number} was not repaired: its raw events are incomplete, rollups would lose what they know"
            for number in sorted(incomplete)
        ]
        return after

    def _shown(self, what: str) -> Callable[[float], None]:
        task = self.bar.add_task(what, total=1.0)
        return lambda share: self.bar.update(task, completed=share)


def _told(places: set[Place]) -> list[str]:
    return [f"{len(places):,} days of an organization and log partition were computed again"] if places else []


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
    for note in report.notes:
        console.print(f"note: {note}")
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
    for cure in advice(report):
        console.print(f"to do: {cure}")


def advice(report: Report) -> list[str]:
    """What to do about the differences."""
    repair = ["./tally reconcile --repair computes the days that differ again from raw events"] if report.places else []
    return [*repair, *failed_jobs(report.failed), *cures(report.differences)]


def as_json(report: Report) -> dict[str, object]:
    """The report for programs; numbers are integers in nano-USD, millionths of a credit, tokens and milliseconds."""
    return {
        "as_of": report.as_of.isoformat() if report.as_of else None,
        "rows": report.rows,
        "measures": report.measures,
        "differing": report.differing,
        "acknowledged_not_applied_yet": report.waiting,
        "notes": report.notes,
        "to_do": advice(report),
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
