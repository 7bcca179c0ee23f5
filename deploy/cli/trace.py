"""`./tally trace`: where one event is and what became of it, from the log to the rollups."""

import dataclasses
import json
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from deploy.cli.console import console, folded, narrow_console, whole
from deploy.cli.swept import hashed
from deploy.cli.visible import visible
from deploy.cli.warehouse import connected
from deploy.errors import WrongSetting
from deploy.local.installation import Installation
from deploy.tracing.log_search import Wanted
from deploy.tracing.search import search
from deploy.tracing.story import NOT_MET, Counted, Found, Story, Verdict, told
from tokentally.identity import event_uuid, parse_event_uuid
from warehouse.log_partitions import PARTITIONS_PER_GENERATION

app = typer.Typer(add_completion=False)
UNKNOWN = 1


class Format(StrEnum):
    """How the answer is written."""

    table = "table"
    json = "json"


@app.command()
def trace(
    event_id: Annotated[str, typer.Argument(help="The event's id: a UUID, or the sender's own key.")],
    organization: Annotated[str | None, typer.Option(help="Its organisation: makes a key of the sender exact.")] = None,
    scan_log: Annotated[
        bool, typer.Option("--scan-log", help="Read all that the log has, to find every copy.")
    ] = False,
    at: Annotated[
        str | None, typer.Option(metavar="PARTITION:OFFSET", help="The place that the collector answered with.")
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="How the answer is written.")] = Format.table,
) -> None:
    """Show where an event is. Exits with 1 when nobody knows it."""
    installation = Installation.from_environment()
    wanted = wanted_event(event_id, organization)
    with connected("tally") as (client, _), Progress(console=narrow_console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading the log", total=None)
        found = search(
            installation,
            client,
            wanted,
            whole_log=scan_log,
            at=position(at) if at else None,
            on_read=lambda read, total: bar.update(task, completed=read, total=total),
            hashed=hashed,
        )
    story = told(found)
    if format is Format.json:
        print(json.dumps(as_json(found, story), indent=1, default=str))
    else:
        show(found, story, console())
    if story.verdict is Verdict.UNKNOWN:
        raise typer.Exit(UNKNOWN)


def wanted_event(event_id: str, organization: str | None) -> Wanted:
    """What is looked for: a key that is no UUID is one only together with its organisation."""
    known = event_uuid(organization, event_id) if organization is not None else parse_event_uuid(event_id)
    return Wanted(known, event_id, organization)


def position(text: str) -> tuple[int, int]:
    """PARTITION:OFFSET as numbers. Raises WrongSetting."""
    partition, _, offset = text.partition(":")
    if not (partition.isdigit() and offset.isdigit()):
        raise WrongSetting(f"--at {text!r}: give a partition and an offset, for example --at 3:1042")
    return int(partition), int(offset)


def show(found: Found, story: Story, shown: Console) -> None:
    """The sentence, then the evidence."""
    shown.print(Text.assemble((str(story.verdict), "bold"), "  ", visible(story.sentence)))
    if story.places:
        table = Table(
            "partition", "offset", "position", "in the log since (UTC)", "became", "", box=None, padding=(0, 2, 0, 0)
        )
        for place in story.places:
            when = f"{place.append_time:%Y-%m-%d %H:%M:%S.%f}"[:-3]
            table.add_row(str(place.partition), str(place.offset), str(place.index), when, place.outcome, place.note)
        shown.print("\nIn the log", table)
    for counted in found.counted:
        shown.print("\nThe event", facts(counted), "\nRollup rows", rows(found, counted))
        if counted.former:
            shown.print("\nWhat it was before", former(counted))
    waiting = [each for each in found.awaited if each.met == NOT_MET]
    if waiting:
        table = Table(
            folded("organisation"), "time (UTC)", whole("record"), "kind", "by", "sets", box=None, padding=(0, 2, 0, 0)
        )
        for each in waiting:
            when = f"{each.time:%Y-%m-%d %H:%M:%S}"
            table.add_row(each.organization, when, each.control_id, each.kind, each.author, each.change)
        shown.print("\nAwaited by control records", table)
    if found.refusals:
        table = Table("refused at (UTC)", "by", whole("id of the refusal"), "reason", box=None, padding=(0, 2, 0, 0))
        for refusal in found.refusals:
            table.add_row(f"{refusal.time:%Y-%m-%d %H:%M:%S}", refusal.source, refusal.rejection_id, refusal.reason)
        shown.print("\nRefusals of this id", table)


def facts(counted: Counted) -> Table:
    """What usage_raw holds, in words."""
    event = counted.event
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    delay = (event.append_time - event.time).total_seconds()
    table.add_row("event id", f"{event.event_id}" + (f" (sent as {event.source_id})" if event.source_id else ""))
    table.add_row("time", f"{event.time:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC; " + lateness(delay, late=event.late))
    table.add_row("organisation", f"{event.organization}, local day {event.day}, week from {event.week}")
    table.add_row("cost", f"{event.cost_usd:f} USD, billed {event.billed_usd:f} USD, {event.credits:f} credits")
    table.add_row("priced", f"{event.cost_status} as {event.priced_as or 'nothing'}, revision {event.price_revision}")
    named = ", ".join(f"{name} {value}" for name, value in event.dimensions.items() if value)
    table.add_row("dimensions", named)
    return table


def former(counted: Counted) -> Table:
    """One row per control record that changed the event: what it was before."""
    table = Table(
        *(whole("record"), "kind", "by", "why", "in the log (UTC)", "cost (USD)", "credits", "tokens in", "tokens out"),
        *("rating", "dimensions"),
        box=None,
        padding=(0, 2, 0, 0),
    )
    for each in counted.former:
        named = ", ".join(f"{name} {value}" for name, value in each.texts.items() if value)
        when = f"{each.asked or each.changed:%Y-%m-%d %H:%M:%S}"
        table.add_row(
            *(each.control_id, each.kind, each.author, each.note, when, f"{each.cost_usd:f}", f"{each.credits:f}"),
            *(f"{each.input_tokens:,}", f"{each.output_tokens:,}", each.rating, named),
        )
    return table


def lateness(delay_seconds: float, *, late: bool) -> str:
    """How much later than its time the event reached the log."""
    if delay_seconds < 0:
        return f"reached the log {-delay_seconds:,.3f} s before its time"
    return f"reached the log {delay_seconds:,.3f} s later" + (", counted as late" if late else "")


def rows(found: Found, counted: Counted) -> Table:
    """The stored rows, and why a coarser one may be missing."""
    table = Table(
        "family", "grain", "bucket (UTC)", "requests", "offset", "epoch", "holds it", box=None, padding=(0, 2, 0, 0)
    )
    for row in counted.rows:
        holds = "yes" if counted.contained(row) else "not yet"
        start = f"{row.bucket:%Y-%m-%d %H:%M}"
        table.add_row(row.table, row.grain, start, f"{row.requests:,}", str(row.offset), str(row.epoch), holds)
    number = counted.event.partition % PARTITIONS_PER_GENERATION
    for period in counted.periods:
        pending = period.touched > period.done
        state = "waits until it closes, or for its turn" if pending else "derived"
        table.add_row("derived", period.grain, str(period.date), "", str(period.done), "", state)
    table.add_row("progress", f"partition {number}", "", "", str(found.applied(number)), "", applied(found, counted))
    return table


def applied(found: Found, counted: Counted) -> str:
    """Whether progress has passed the event."""
    number = counted.event.partition % PARTITIONS_PER_GENERATION
    return "passed it" if found.applied(number) >= counted.event.offset else "not passed it yet"


def as_json(found: Found, story: Story) -> dict[str, object]:
    """The answer for programs; instants are UTC, amounts are exact decimals as text."""
    return {
        "verdict": story.verdict,
        "sentence": story.sentence,
        "places": [dataclasses.asdict(place) for place in story.places],
        "counted": [dataclasses.asdict(counted) for counted in found.counted],
        "awaited": [dataclasses.asdict(each) for each in found.awaited],
        "erased": [dataclasses.asdict(each) for each in found.buried],
        "refusals": [dataclasses.asdict(refusal) for refusal in found.refusals],
        "envelopes_read": found.searched,
        "whole_log": found.whole_log,
    }
