"""How refusals are shown: tables, JSON lines, and one refusal with everything that is known about it."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime

from rich.table import Table

from deploy.cli.console import folded, whole
from deploy.cli.visible import visible
from stream_jobs.replays.payloads import payloads
from warehouse.queries.refused import Refused, Replay
from warehouse.queries.rejected import Reason, Rejection

REASON_CHARS = 90
HEX_BYTES = 512
TEXT_BYTES = 4_000
QUARANTINED = "quarantined:"


def rejections_table(found: Sequence[Rejection]) -> Table:
    """One line per refusal."""
    table = Table(
        *(whole("id"), "time", "source", folded("organization"), folded("event"), "replayed", "reason"),
        box=None,
        padding=(0, 2, 0, 0),
    )
    for one in found:
        reason = one.reason if len(one.reason) <= REASON_CHARS else one.reason[: REASON_CHARS - 1] + "…"
        replayed = moment(one.replayed) if one.replayed else ""
        table.add_row(
            one.rejection_id, moment(one.time), one.source, one.organization, one.event_id, replayed, plain(reason)
        )
    return table


def reasons_table(found: Sequence[Reason]) -> Table:
    """One line per reason."""
    table = Table("refused", "replayed", "source", "last", whole("example"), "reason", box=None, padding=(0, 2, 0, 0))
    for one in found:
        counts = f"{one.count:,}", f"{one.replayed:,}"
        table.add_row(*counts, one.source, moment(one.last), one.example, plain(one.reason))
    return table


def as_json(one: Rejection | Reason) -> str:
    """One line for programs."""
    fields = dataclasses.asdict(one)
    return json.dumps({name: _value(value) for name, value in fields.items()}, ensure_ascii=False)


def told(refused: Refused, replays: Sequence[Replay]) -> str:
    """One refusal in full."""
    place = "at the door, before the log"
    if refused.partition is not None:
        event = "the whole envelope" if refused.index is None else f"event {refused.index} of the envelope"
        place = f"partition {refused.partition}, offset {refused.offset}, {event}"
    lines = [
        f"refusal       {refused.rejection_id}",
        f"refused       {moment(refused.time)} by the {refused.source}",
        f"place         {place}",
        f"organization  {refused.organization or 'not known'}",
        f"event         {refused.event_id or 'not known'}",
        f"key           {refused.api_key_id or 'not known'}",
        f"reason        {refused.reason}",
        "",
        *_bytes(refused.raw),
        *_read(refused),
        "",
        *_replays(replays),
        advice(refused),
    ]
    return "\n".join(lines)


def advice(refused: Refused) -> str:
    """What to do about it."""
    name = refused.rejection_id
    if refused.reason.startswith(QUARANTINED):
        return (
            "It ended the worker's process or is refused by the warehouse. Install a version in which that is fixed, "
            f"then: ./tally rejected replay {name}\nIt is tried in a process of its own first."
        )
    return (
        "When a rule, a price or the schema was the cause and is corrected: "
        f"./tally rejected replay {name}\nWhen the event is: ./tally rejected show {name} --raw > event.json, correct "
        f"it, then: ./tally rejected replay {name} --with event.json"
    )


def moment(instant: datetime) -> str:
    """A time in UTC for people."""
    return instant.strftime("%Y-%m-%d %H:%M:%S")


def plain(text: str) -> str:
    """In one line, and without control characters."""
    return visible(" ".join(text.split()))


def _bytes(raw: bytes) -> list[str]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        rest = "" if len(raw) <= HEX_BYTES else f"\n… and {len(raw) - HEX_BYTES:,} bytes more"
        return [f"{len(raw):,} bytes, no text:", raw[:HEX_BYTES].hex(" ", -32) + rest]
    more = "" if len(text) <= TEXT_BYTES else f"\n… and {len(text) - TEXT_BYTES:,} characters more (--raw shows all)"
    return [f"{len(raw):,} bytes:", text[:TEXT_BYTES].rstrip() + more]


def _read(refused: Refused) -> list[str]:
    """What can be read of a whole envelope; poison is not looked into."""
    if refused.index is not None or refused.source == "collector" or refused.reason.startswith(QUARANTINED):
        return []
    events = payloads(refused)
    readable = sum(not event.problem for event in events)
    return ["", f"{readable:,} of its {len(events):,} events can be read"]


def _replays(replays: Sequence[Replay]) -> list[str]:
    lines = []
    for replay in replays:
        went = f"partition {replay.partition}, offset {replay.offset}, position {replay.position}"
        became = f"accepted at {went}" if replay.outcome == "accepted" else f"refused again: {replay.reason}"
        edited = " an edited payload" if replay.edited else ""
        lines.append(f"sent again{edited} {moment(replay.replayed)} by {replay.by}: {replay.event_id} {became}")
    return [*lines, ""] if lines else []


def _value(value: object) -> object:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value
