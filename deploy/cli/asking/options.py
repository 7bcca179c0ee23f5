"""What the asking commands understand: options in, a selection and a way of asking out."""

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from deploy.errors import WrongSetting

COLUMN_OF: Final = {
    **{name: f"{name}_id" for name in ("customer", "user", "prompt", "thread", "api_key")},
    **{
        name: name
        for name in ("department", "project", "feature", "provider", "model", "billing_type", "plan", "status")
    },
    **{name: name for name in ("category", "cost_status")},
}
"""Options that compare a column of usage, and that column."""


def _only(what: str) -> Any:
    return typer.Option(help=f"Only usage of this {what}; '' is usage without one.")


@dataclass(frozen=True, slots=True)
class Selected:
    """Usage that agrees in everything that is given."""

    organization: Annotated[str, typer.Option(help="The organisation it is about.")] = ""
    since: Annotated[str, typer.Option(help="At or after this date or time (UTC unless it says else).")] = ""
    until: Annotated[str, typer.Option(help="Before this date or time.")] = ""
    customer: Annotated[str | None, _only("customer")] = None
    user: Annotated[str | None, _only("user")] = None
    department: Annotated[str | None, _only("department")] = None
    project: Annotated[str | None, _only("project")] = None
    feature: Annotated[str | None, _only("feature")] = None
    prompt: Annotated[str | None, _only("prompt")] = None
    thread: Annotated[str | None, _only("conversation")] = None
    api_key: Annotated[str | None, _only("API key (its id)")] = None
    provider: Annotated[str | None, _only("provider, as events write it")] = None
    model: Annotated[str | None, _only("model, as events write it")] = None
    billing_type: Annotated[str | None, _only("billing type: SYSTEM or BYOK")] = None
    plan: Annotated[str | None, _only("plan")] = None
    status: Annotated[str | None, _only("status: success, error or cancelled")] = None
    category: Annotated[str | None, _only("category")] = None
    cost_status: Annotated[str | None, _only("cost status: unpriced, partial, priced, free or reported")] = None

    @property
    def selection(self) -> dict[str, Any]:
        """As a record says it; empty when nothing was given. Raises WrongSetting for a time that is none."""
        values = {COLUMN_OF[each.name]: getattr(self, each.name) for each in fields(self) if each.name in COLUMN_OF}
        times = {name: instant(f"--{name}", getattr(self, name)) for name in ("since", "until")}
        said = {**{name: time.isoformat() for name, time in times.items() if time}, **values}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Events:
    """Single events, by identity."""

    event: Annotated[
        list[str] | None,
        typer.Option(metavar="ID[@TIME]", help="This event, by its id or the sender's key; several times for more."),
    ] = None
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Events in a .csv or .ndjson file: event_id, time, and columns to set."
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Sets:
    """What changes."""

    set: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="What changes; several times for more. rating= takes a rating away."),
    ] = None


@dataclass(frozen=True, slots=True)
class How:
    """How it is asked for."""

    note: Annotated[str, typer.Option(help="Why; kept with the request.")] = ""
    author: Annotated[str, typer.Option(help="Who asks; your login name unless it is given.")] = ""
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False
    yes: Annotated[bool, typer.Option("--yes", help="Ask for it without showing and confirming it first.")] = False
    wait: Annotated[bool, typer.Option("--wait", help="Return when it is done; exit with 1 when it is not.")] = False


def instant(option: str, text: str) -> datetime | None:
    """An aware instant; UTC where the text names no offset; None for no text."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongSetting(f"{option} {text}: write a date or time like 2026-03-14 or 2026-03-14T09:00:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def local_day(option: str, text: str) -> date | None:
    """A date; None for no text. Raises WrongSetting for what is none."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day of a calendar, no instant
    except ValueError:
        raise WrongSetting(f"{option} {text}: write a date like 2026-03-14") from None
