"""`./tally directory`: what organizations, departments, users and the like are called, and since when."""

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from deploy.cli.console import console, folded
from deploy.cli.known import remark_on_department, remark_on_organization
from deploy.cli.warehouse import connected
from deploy.errors import DeployError, WrongSetting
from warehouse.directory.changes import Entry, Outcome
from warehouse.directory.csv_file import instant
from warehouse.directory.entry import SAID, Key, Kind, State, wished
from warehouse.directory.exporting import exported, left_out
from warehouse.directory.importing import Summary, import_file
from warehouse.directory.ledger import StoredLedger, carry_out
from warehouse.errors import InvalidDirectoryFile, InvalidEntry
from warehouse.queries.directory import DirectoryEntries, EntryFilter, EntryHistory
from warehouse.queries.query import ask

app = typer.Typer(add_completion=False, no_args_is_help=True)

AUTHOR = "command line"
Organization = Annotated[str | None, typer.Option(help="Only this organisation.")]
OnlyKind = Annotated[Kind | None, typer.Option(help="Only entries of this kind.")]


@app.callback()
def directory() -> None:
    """Names of organizations, departments, projects, users, customers, features, prompts and API keys."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file, UTF-8.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
) -> None:
    """Import a CSV file: all of it, or nothing when a line is wrong. A second time changes nothing.

    Columns: organization, kind, id, and any of display_name, department, email, role, plan, state, attributes,
    effective_from. Lines of the kind "organization" register one, with time_zone and week_start, and say its name and
    plan; those with effective_from say these only.

    Of one entry either all lines have an effective_from or none has: 1970-01-01 is always. A line without one holds
    always when nothing was known, and from now on when it says something new.
    """
    with connected("tally") as (client, _):
        try:
            summary = import_file(client, file, AUTHOR, datetime.now(UTC), dry_run=dry_run)
        except InvalidDirectoryFile as problem:
            raise WrongSetting(str(problem)) from None
    print("\n".join(told(summary, dry_run=dry_run)))


def told(summary: Summary, *, dry_run: bool) -> Sequence[str]:
    """The lines that say what an import did."""
    lines = [f"{summary.outcomes.get(outcome, 0):>8,} {outcome}" for outcome in Outcome]
    if summary.organizations or summary.organizations_unchanged:
        lines.append(f"{summary.organizations:>8,} organizations registered")
        lines.append(f"{summary.organizations_unchanged:>8,} organizations unchanged")
    return [*lines, "nothing was written: --dry-run"] if dry_run else lines


@app.command("export")
def export(
    file: Annotated[Path | None, typer.Argument(dir_okay=False, help="Where to; printed without it.")] = None,
    organization: Organization = None,
    kind: OnlyKind = None,
) -> None:
    """Export all names that were ever given as CSV, with the first calendars of organizations; it imports again.

    Calendars that changed later are not in the file: ./tally organizations calendar changes them again.
    """
    with connected("tally") as (client, _):
        changed = left_out(client, organization, kind)
        if changed:
            print(f"not in the file: the calendar changes of {', '.join(changed)}", file=sys.stderr)
        if file is None:
            sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
            exported(client, sys.stdout, organization, kind)
            return
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            with draft.open("w", encoding="utf-8", newline="") as written:
                count = exported(client, written, organization, kind)
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
    print(f"{count:,} lines are in {file}")


@app.command("list")
def list_(
    organization: Organization = None,
    kind: OnlyKind = None,
    state: Annotated[State | None, typer.Option(help="Only active or archived entries.")] = None,
    search: Annotated[str, typer.Option(help="Only with this text in the id or name.")] = "",
    at: Annotated[str, typer.Option(help="As it was at this date or time (UTC unless it says else).")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 1000,
) -> None:
    """Show what is called how."""
    which = EntryFilter(organization, kind, state, search)
    with connected("tally") as (client, _):
        found = ask(client, DirectoryEntries(which, moment("--at", at) or datetime.now(UTC), limit + 1))
    table = Table(
        folded("organization"),
        "kind",
        folded("id"),
        "name",
        "belongs to",
        "state",
        "since",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for entry in found[:limit]:
        row = (*entry.key, entry.display_name, _belongs(entry), entry.state, _since(entry.since))
        table.add_row(*row)
    console().print(table)
    if len(found) > limit:
        print(f"… and more: narrow it down, or give --limit more than {limit}")


@app.command("set")
def set_(
    organization: Annotated[str, typer.Argument(help="As events name it.")],
    kind: Annotated[Kind, typer.Argument(help="What the entry is.")],
    entity_id: Annotated[str, typer.Argument(metavar="ID", help="As events carry it.")],
    name: Annotated[str | None, typer.Option(help="Name for people.")] = None,
    department: Annotated[str | None, typer.Option(help="Of a user, project or API key; '' for none.")] = None,
    email: Annotated[str | None, typer.Option(help="Of a user; '' for none.")] = None,
    role: Annotated[str | None, typer.Option(help="Of a user: owner, finance, department_manager, member.")] = None,
    plan: Annotated[str | None, typer.Option(help="Of a customer or an organization; '' for none.")] = None,
    state: Annotated[State | None, typer.Option(help="active or archived.")] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Anything else; NAME= removes it.")
    ] = None,
    since: Annotated[
        str, typer.Option("--from", help="From when it holds; default: always, or from now on for a change.")
    ] = "",
) -> None:
    """Say something about one entry; what is not given stays as it is, and the past stays as it was."""
    texts = dict(zip(SAID, (name, department, email, role, plan, state), strict=True))
    attributes = dict(_pair(text) for text in attribute or ())
    try:
        wish = wished(organization, kind, entity_id, texts, attributes, moment("--from", since))
    except InvalidEntry as problem:
        raise WrongSetting(str(problem)) from None
    with connected("tally") as (client, _):
        [(_, decision)] = carry_out(StoredLedger(client), [wish], datetime.now(UTC), AUTHOR, "cli")
        remarks = [remark_on_organization(client, organization)]
        remarks += [remark_on_department(client, organization, department)] if department else []
    held = f", from {_since(decision.statement.effective_from)}" if decision.statement else ""
    print(f"{kind} {entity_id} of {organization}: {decision.outcome}{held}")
    for remark in filter(None, remarks):
        print(remark, file=sys.stderr)


@app.command("history")
def history(
    organization: Annotated[str, typer.Argument(help="As events name it.")],
    kind: Annotated[Kind, typer.Argument(help="What the entry is.")],
    entity_id: Annotated[str, typer.Argument(metavar="ID", help="As events carry it.")],
) -> None:
    """Show all that was ever said about one entry, and by whom."""
    with connected("tally") as (client, _):
        remarks = ask(client, EntryHistory(Key(organization, kind, entity_id)))
    if not remarks:
        raise DeployError(f"{organization} has no {kind} {entity_id!r}; ./tally directory list shows what there is")
    table = Table("from", "said", "by", "written", box=None, padding=(0, 2, 0, 0))
    for remark in remarks:
        said = {name: value for name in SAID if (value := getattr(remark.statement.said, name)) is not None}
        words = [f"{name}={value}" for name, value in said.items()]
        if remark.statement.said.attributes:
            words.append(f"attributes={json.dumps(dict(remark.statement.said.attributes), ensure_ascii=False)}")
        by = f"{remark.author} ({remark.source})"
        written = f"{remark.statement.created:%Y-%m-%d %H:%M:%S}"
        row = (_since(remark.statement.effective_from), "; ".join(words), by, written)
        table.add_row(*row)
    console().print(table)


def moment(option: str, text: str) -> datetime | None:
    """An aware instant, None for no text. Raises WrongSetting."""
    try:
        return instant(text) if text else None
    except ValueError as problem:
        raise WrongSetting(f"{option} {text!r} {problem}") from None


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise WrongSetting(f"--attribute {text}: write it as NAME=VALUE")
    return name, value


def _belongs(entry: Entry) -> str:
    return " ".join(text for text in (entry.department, entry.role, entry.plan) if text)


def _since(instant: datetime) -> str:
    return "always" if instant.year == 1970 else f"{instant:%Y-%m-%d %H:%M:%S}".removesuffix(" 00:00:00")
