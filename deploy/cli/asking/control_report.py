"""How control records are shown: a table, JSON lines, and one record with everything that is known about it."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table

from deploy.cli.asking.amount import amount
from deploy.cli.console import folded, whole
from deploy.cli.rejected_report import moment, plain
from warehouse.control.records import Followed
from warehouse.control.standing import Standing, State

NOTE_CHARS = 60
BODY_CHARS = 4_000


def records_table(found: Sequence[Followed]) -> Table:
    """One line per record."""
    table = Table(
        *(whole("id"), "asked", "kind", folded("organization"), "state", "slices", "by", "note"),
        box=None,
        padding=(0, 2, 0, 0),
    )
    for each in found:
        asked, slices = each.asked, each.slices
        done = f"{slices['done']:,}/{slices['total']:,}" if slices["total"] else ""
        note = asked.note if len(asked.note) <= NOTE_CHARS else asked.note[: NOTE_CHARS - 1] + "…"
        whose = plain(asked.organization) or "(all)"
        table.add_row(
            asked.control_id,
            moment(asked.created),
            asked.kind,
            whose,
            each.state,
            done,
            plain(asked.author),
            plain(note),
        )
    return table


def as_json(found: Followed) -> str:
    """One line for programs: the record, its state, and its standing in each partition."""
    places = [
        {
            **dataclasses.asdict(each),
            "events": each.events,
            "awaited": each.still_awaited,
            "state": each.state,
            "finished": each.is_finished,
        }
        for each in found.standings
    ]
    said: dict[str, Any] = {**dataclasses.asdict(found.asked), "state": found.state, "slices": found.slices}
    return json.dumps({**said, "messages": found.messages, "places": places}, ensure_ascii=False, default=_value)


def in_full(found: Followed) -> str:
    """One record in full."""
    asked = found.asked
    body = "(emptied: it named what was erased)"
    if asked.body is not None:
        body = json.dumps(asked.body, ensure_ascii=False, indent=2)
        if len(body) > BODY_CHARS:
            body = f"{body[:BODY_CHARS]}\n… and {len(body) - BODY_CHARS:,} characters more (--json shows all)"
    lines = [
        f"record        {asked.control_id}",
        f"kind          {asked.kind}",
        f"organization  {asked.organization or 'all'}",
        f"asked         {moment(asked.created)} by {plain(asked.author)}",
        f"note          {plain(asked.note) or 'none'}",
        f"state         {found.state}",
        f"says          {body}",
        "",
        *(_place(each) for each in found.standings),
        *(f"  {message}" for message in found.messages),
        *(line for each in found.standings if each.certificate for line in _certificate(each.certificate)),
    ]
    return "\n".join(lines)


def _place(each: Standing) -> str:
    where = "not in the log yet" if each.offset is None else f"offset {each.offset}"
    total = max(each.planned, each.slices.total)
    slices = ""
    if total:
        done = each.slices
        slices = f", {done.done:,} of {amount(total, 'slice')} done"
        slices += "".join(
            f", {number:,} {word}"
            for number, word in ((done.waiting, "waiting"), (done.failed, "failed"), (done.cancelled, "cancelled"))
            if number
        )
        slices += f", {amount(each.events, 'event')} {'removed' if each.kind == 'erase' else 'rewritten'}"
    elif each.state is State.DONE:
        slices = ", 0 events: no day was met"
    waits = each.still_awaited
    awaited = f", {amount(waits, 'named event')} {'is' if waits == 1 else 'are'} still awaited" if waits else ""
    kept = sum(each.stayed.values())
    stay = "stays as it was" if kept == 1 else "stay as they were"
    stayed = f", {amount(kept, 'named event')} {stay}" if kept else ""
    repeats = f", repeated {amount(each.repeats, 'time')}" if each.repeats else ""
    return f"partition {each.src_partition}: {each.state} ({where}{repeats}{slices}{awaited}{stayed})"


def _certificate(said: Mapping[str, Any]) -> list[str]:
    return ["", "certificate", json.dumps(said, ensure_ascii=False, indent=2)]


def _value(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    raise TypeError(f"{value!r} is no JSON")
