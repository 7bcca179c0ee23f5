"""`./tally rejected`: what was refused and why, and the way back for what can be saved."""

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.console import console
from deploy.cli.rejected_replay import Replaying
from deploy.cli.rejected_report import as_json, reasons_table, rejections_table, told
from deploy.cli.warehouse import connected
from deploy.errors import DeployError, WrongSetting
from deploy.local.installation import Installation
from warehouse.queries.query import ask
from warehouse.queries.refused import RefusedByIds, ReplaysOf
from warehouse.queries.rejected import LatestRejections, RejectionFilter, RejectionReasons

app = typer.Typer(add_completion=False, no_args_is_help=True)
LISTED = 50
REPLAYED_AT_ONCE = 10_000


class Format(StrEnum):
    """How the answer is written."""

    table = "table"
    json = "json"


class Source(StrEnum):
    """Who refused."""

    collector = "collector"
    worker = "worker"


Organization = Annotated[str | None, typer.Option(help="Only this organisation.")]
Reason = Annotated[str, typer.Option(help="Only with this text in the reason or in the event's id.")]
BySource = Annotated[Source | None, typer.Option(help="Who refused.")]
From = Annotated[str, typer.Option("--from", help="Refused at or after this date or time (UTC unless it says else).")]
To = Annotated[str, typer.Option("--to", help="Refused before this date or time.")]
Partition = Annotated[int | None, typer.Option(help="Only this log partition.")]
AsFormat = Annotated[Format, typer.Option("--format", help="How the answer is written.")]


@app.callback()
def rejected() -> None:
    """Look at refused events, and put them through again after a fix."""


@app.command("list")
def list_(
    organization: Organization = None,
    reason: Reason = "",
    source: BySource = None,
    since: From = "",
    until: To = "",
    partition: Partition = None,
    replayed: Annotated[
        bool | None, typer.Option("--replayed/--not-replayed", help="Only those that were sent again, or not.")
    ] = None,
    by_reason: Annotated[bool, typer.Option("--by-reason", help="Counts by reason instead.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the newest first.")] = LISTED,
    format: AsFormat = Format.table,
) -> None:
    """List refused events, the newest first, or count them by reason."""
    which = filtered(organization, reason, source, since, until, partition, replayed)
    with connected("tally") as (client, _):
        if by_reason:
            reasons = ask(client, RejectionReasons(which, limit))
            lines, table = [as_json(one) for one in reasons], reasons_table(reasons)
        else:
            rejections = ask(client, LatestRejections(which, limit))
            lines, table = [as_json(one) for one in rejections], rejections_table(rejections)
    if format is Format.json:
        print("\n".join(lines))
    elif lines:
        console().print(table)
    else:
        print("nothing was refused" if which == RejectionFilter() else "no refusal matches")


@app.command()
def show(
    rejection_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    raw: Annotated[
        bool, typer.Option("--raw", help="Only the bytes that were refused, to be edited in a file.")
    ] = False,
) -> None:
    """Show one refusal: why, where it stood, its bytes, what became of it and what to do."""
    with connected("tally") as (client, _):
        found = ask(client, RefusedByIds([rejection_id]))
        replays = ask(client, ReplaysOf([rejection_id]))
    if not found:
        raise DeployError(f"there is no refusal {rejection_id}; ./tally rejected list shows those there are")
    if raw:
        sys.stdout.buffer.write(found[0].raw)
        sys.stdout.flush()
        return
    console().print(told(found[0], replays))


@app.command()
def replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Refusals as `list` shows them.")] = None,
    organization: Organization = None,
    reason: Reason = "",
    source: BySource = None,
    since: From = "",
    until: To = "",
    partition: Partition = None,
    edited: Annotated[
        Path | None,
        typer.Option("--with", exists=True, dir_okay=False, help="Send this instead of ONE refusal."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also what was sent again before; it is not counted twice.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would become of each.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Send without asking.")] = False,
    wait: Annotated[bool, typer.Option(help="Return when everything sent is counted and visible.")] = True,
) -> None:
    """Put refused events through again: by id, or all that match and were not sent again yet.

    First it shows what would be accepted and what would be refused again, and why. Stopped half-way, the same command
    finishes; nothing is counted twice.
    """
    which = filtered(organization, reason, source, since, until, partition, None if again else False)
    filters = which != RejectionFilter(replayed=which.replayed)
    if not (ids or filters or edited):
        raise WrongSetting("say which: IDs, or a filter such as --reason TEXT, --organization NAME or --from DATE")
    if ids and filters:
        raise WrongSetting("give IDs or filters, not both")
    if edited is not None and len(ids or ()) != 1:
        raise WrongSetting("--with replaces one refusal: give its ID")
    text = None if edited is None else edited.read_bytes()
    replaying = Replaying(Installation.from_environment(), console())
    replaying.run(ids or [], which, REPLAYED_AT_ONCE, text, again=again, dry_run=dry_run, yes=yes, wait=wait)


def filtered(
    organization: str | None,
    reason: str,
    source: Source | None,
    since: str,
    until: str,
    partition: int | None,
    replayed: bool | None,
) -> RejectionFilter:
    """The filter that the options describe. Raises WrongSetting for a time that is none."""
    first, last = instant("--from", since), instant("--to", until)
    return RejectionFilter(organization, source.value if source else "", reason, first, last, partition, replayed)


def instant(option: str, text: str) -> datetime | None:
    """An aware instant; UTC where the text names no offset."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongSetting(f"{option} {text}: write a date or time like 2026-03-14 or 2026-03-14T09:00:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
