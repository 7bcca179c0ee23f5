"""`./tally config`: revisions of prices, multipliers and calendars, since when they are in force, how they differ."""

import dataclasses
import json as json_text
from enum import StrEnum
from typing import Annotated

import typer
from clickhouse_connect.driver.client import Client
from rich.table import Table

from deploy.cli.console import console, folded
from deploy.cli.rejected_report import moment, plain
from deploy.cli.stored_revision import compared, stored
from deploy.cli.terms_report import SAID, said, start
from deploy.cli.visible import visible
from deploy.cli.warehouse import connected
from warehouse.control.history import (
    TABLE_KEYS,
    Changed,
    History,
    Line,
    RevisionLines,
    StoredRevision,
    difference,
)
from warehouse.queries.query import ask
from warehouse.queries.terms import RevisionTerms

app = typer.Typer(add_completion=False, no_args_is_help=True)
LINES_SHOWN = 200
ALWAYS = "1970-01-01 00:00:00"


class Kind(StrEnum):
    """What is configured by revisions."""

    prices = "prices"
    multipliers = "multipliers"
    calendar = "calendar"


KindArgument = Annotated[Kind, typer.Argument(help="prices, multipliers or calendar.")]
Revision = Annotated[int, typer.Argument(min=1, help="Number of the revision.")]
Organization = Annotated[str, typer.Option(help="Whose revision; without it, everyone's.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, a line each.")]


@app.callback()
def config() -> None:
    """Look at revisions of prices, multipliers and calendars."""


@app.command()
def history(
    kind: Annotated[Kind | None, typer.Argument(help="Only prices, multipliers or calendar.")] = None,
    organization: Annotated[str | None, typer.Option(help="Only for this organisation.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")] = 50,
    json: AsJson = False,
) -> None:
    """List revisions, the newest first: who made them, why, and since when they are in force in the log."""
    with connected("tally") as (client, _):
        found = ask(client, History(kind.value if kind else None, organization, limit=limit))
    if json:
        for each in found:
            print(as_json(each))
        return
    table = Table("kind", "revision", folded("organization"), "made", "by", "in force since", "hash", "source", "note")
    table.box, table.padding = None, (0, 2, 0, 0)
    for each in found:
        table.add_row(
            *(each.kind, str(each.revision), plain(each.organization), moment(each.created), plain(each.author)),
            *(in_force(each), each.content_hash[:12], plain(each.source), plain(each.note)),
        )
    console().print(table)


@app.command()
def show(kind: KindArgument, revision: Revision, organization: Organization = "", json: AsJson = False) -> None:
    """Show one revision: who made it and why, where it is in force, and what it says."""
    with connected("tally") as (client, _):
        found = stored(client, kind.value, revision, organization)
        lines = lines_of(client, kind, revision)
        values = values_of(client, kind, found)
    if json:
        print(json_line({**as_record(found), "content": values, "lines": [dataclasses.asdict(line) for line in lines]}))
        return
    output = console()
    for word, value in (
        ("revision", f"{found.kind} {found.revision}"),
        ("organization", found.organization or "all"),
        ("made", f"{moment(found.created)} by {found.author}"),
        ("note", found.note or "none"),
        ("source", found.source),
        ("hash", found.content_hash),
    ):
        output.print(f"{word:<14} {value}")
    for place in found.switches:
        since = f", received {moment(place.time)}" if place.time else ""
        output.print(f"in force       partition {place.src_partition} from offset {place.offset}{since}")
    for name, said_there in values.items():
        output.print(f"{name:<14} {said_there}")
    for line in lines[:LINES_SHOWN]:
        output.print(f"{named(kind, line.key)}: {priced(kind, line)}")
    if len(lines) > LINES_SHOWN:
        output.print(f"… and {len(lines) - LINES_SHOWN:,} lines more (--json shows all)")


@app.command()
def diff(
    kind: KindArgument,
    before: Revision,
    after: Revision,
    organization: Organization = "",
    json: AsJson = False,
) -> None:
    """Show what differs between two revisions."""
    with connected("tally") as (client, _):
        former, latter = compared(client, kind.value, before, after, organization)
        changes = difference(lines_of(client, kind, before), lines_of(client, kind, after))
        was, becomes = (values_of(client, kind, each) for each in (former, latter))
    values = {name: (was.get(name), becomes.get(name)) for name in sorted(was.keys() | becomes.keys())}
    values = {name: pair for name, pair in values.items() if pair[0] != pair[1]}
    if json:
        for change in changes:
            print(json_line(dataclasses.asdict(change)))
        for name, pair in values.items():
            print(json_line({"key": [name], "before": pair[0], "after": pair[1]}))
        return
    for name, pair in values.items():
        print(visible(f"{name}: {pair[0]} → {pair[1]}"))
    for change in changes:
        print(visible(f"{named(kind, change.key)}: {_changed(kind, change)}"))
    if not (changes or values):
        print(f"{kind} {before} and {after} say the same")


def lines_of(client: Client, kind: Kind, revision: int) -> list[Line]:
    """Its rows; none of a calendar, which has contents instead."""
    if kind is Kind.calendar:
        return []
    return ask(client, RevisionLines("prices" if kind is Kind.prices else "multipliers", revision))


def values_of(client: Client, kind: Kind, revision: StoredRevision) -> dict[str, object]:
    """What a revision says beside its lines: the calendar, or the terms beside the multipliers."""
    if kind is not Kind.multipliers:
        return contents(revision)
    return {
        f"terms from {start(each.effective_from)}": ", ".join(map(" ".join, zip(SAID, said(each), strict=True)))
        for each in ask(client, RevisionTerms(revision.revision))
    }


def contents(revision: StoredRevision) -> dict[str, object]:
    """What a revision without rows says."""
    found: dict[str, object] = json_text.loads(revision.content) if revision.content else {}
    return found


def in_force(revision: StoredRevision) -> str:
    """Since when, in how many partitions."""
    if not revision.switches:
        return "no control record"
    times = [place.time for place in revision.switches if place.time]
    since = f"{moment(min(times))}, " if times else ""
    return f"{since}{len(revision.switches)} partitions"


def named(kind: Kind, key: tuple[str, ...]) -> str:
    """A key for people: what is usual is left out."""
    values = dict(zip(TABLE_KEYS[kind.value], key, strict=True))
    usual = {"effective_from": ALWAYS, "tier_start": "0", "marginal": "false"}
    name = f"{values.pop('provider') or 'any'}/{values.pop('model') or 'any'}"
    rest = [f"{word}={value}" for word, value in values.items() if value != usual.get(word, "")]
    return " ".join([name, *rest])


def priced(kind: Kind, line: Line | None) -> str:
    """A value with its unit."""
    if line is None:
        return "none"
    value = format(line.value.normalize(), "f")
    if kind is Kind.prices:
        return f"{value} USD per {line.per:,}"
    return f"{value}x" if line.per else "ended"


def as_record(revision: StoredRevision) -> dict[str, object]:
    """A revision for programs."""
    return {**dataclasses.asdict(revision), "content": contents(revision)}


def as_json(revision: StoredRevision) -> str:
    """One line for programs."""
    return json_line(as_record(revision))


def json_line(values: object) -> str:
    """JSON with times in ISO form and exact numbers as texts."""
    return json_text.dumps(values, ensure_ascii=False, default=str)


def _changed(kind: Kind, change: Changed) -> str:
    return f"{priced(kind, change.before)} → {priced(kind, change.after)}"
