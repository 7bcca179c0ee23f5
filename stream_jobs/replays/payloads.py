"""What is sent for a refusal: the event as it was refused or as it was edited, with the identity it always gets.

Where the refused event names none, its organization and api_key_id are those the collector knew, its event_id is
`rejected:<rejection_id>` (and `:<line>` for a line of an envelope) and its time is the refusal's: the append time of
the envelope, or the moment of the collector's answer. So two replays of one refusal are the same event, counted once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from producers.envelopes.compression import inflate
from producers.envelopes.decoded import Rejected
from producers.envelopes.envelope import decode_envelope, format_of
from producers.envelopes.ndjson import lines_of
from producers.envelopes.rows import row_as_sent
from producers.errors import TooLarge, Unreadable
from tokentally.envelope import MAX_DECOMPRESSED_BYTES
from tokentally.instants import instant_of_event_id
from warehouse.queries.refused import Refused


@dataclass(frozen=True, slots=True)
class Payload:
    """One event of a refusal: its line in an envelope (0 for a single event), its JSON, or why there is none."""

    rejection_id: str
    line: int
    text: bytes
    problem: str = ""


def payloads(refused: Refused, edited: bytes | None = None) -> list[Payload]:
    """The events to send. edited: what a person wrote instead: one event, or one a line for a whole envelope."""
    if refused.index is not None or refused.source == "collector":
        texts: Sequence[bytes | Rejected] = [edited.strip() if edited is not None else refused.raw]
    elif edited is not None:
        texts = lines_of(edited)
    else:
        texts = _events_of_envelope(refused.raw)
    several = len(texts) > 1
    return [_payload(refused, line, text, several=several, free=edited is not None) for line, text in enumerate(texts)]


def _events_of_envelope(value: bytes) -> Sequence[bytes | Rejected]:
    """The lines of NDJSON, or the rows of an Arrow stream as JSON; a refusal in place of what cannot be read."""
    try:
        content = inflate(value, MAX_DECOMPRESSED_BYTES)
    except (TooLarge, Unreadable) as problem:
        return [Rejected(None, str(problem), value)]
    if format_of(content, None) == "ndjson":
        return lines_of(content) or [Rejected(None, "the envelope is empty", value)]
    decoded = decode_envelope(value, None)
    rows: dict[int, bytes | Rejected] = {each.index or 0: each for each in decoded.rejected}
    for place, row in zip(decoded.index.tolist(), decoded.frame.iter_rows(named=True), strict=True):
        rows[place] = row_as_sent(row)
    return [rows[place] for place in sorted(rows)]


def _payload(refused: Refused, line: int, text: bytes | Rejected, *, several: bool, free: bool) -> Payload:
    if isinstance(text, Rejected):
        return Payload(refused.rejection_id, line, text.raw, text.reason)
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as problem:
        return Payload(refused.rejection_id, line, text, f"not JSON: {problem}")
    if not isinstance(event, dict):
        return Payload(refused.rejection_id, line, text, "not a JSON object")
    event, changed = _as_sent(event)
    named = event.get("organization") or ""
    if refused.organization and named and named != refused.organization and not free:
        reason = f"it names the organization {named!r:.80} but was sent with a key of {refused.organization!r}"
        return Payload(refused.rejection_id, line, text, f"{reason}: edit it, and send it with --with")
    own_id = f"rejected:{refused.rejection_id}" + (f":{line}" if several else "")
    missing = {
        "organization": refused.organization,
        "event_id": own_id,
        "api_key_id": refused.api_key_id,
    }
    added = {name: value for name, value in missing.items() if value and event.get(name) in (None, "")}
    if event.get("time") in (None, "") and not _has_time(event.get("event_id")):
        added["time"] = refused.time.astimezone(UTC).isoformat(timespec="milliseconds")
    if added or changed:
        text = json.dumps(event | added, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Payload(refused.rejection_id, line, text)


def _has_time(event_id: object) -> bool:
    if not isinstance(event_id, str):
        return False
    try:
        instant_of_event_id(event_id)
    except ValueError:
        return False
    return True


def _as_sent(event: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The event of a refused row of an Arrow envelope, told as its columns, in the words of a sender."""
    made = dict(event)
    if isinstance(made.get("time"), int):
        try:
            made["time"] = datetime.fromtimestamp(made["time"] / 1000, UTC).isoformat(timespec="milliseconds")
        except (OverflowError, ValueError, OSError):
            return made, False
    identity = made.get("event_id")
    if isinstance(identity, str) and len(identity) == 32 and isinstance(event.get("time"), int):
        made["event_id"] = str(UUID(identity))
    for name in ("quantities", "metadata"):
        if isinstance(made.get(name), str):
            try:
                made[name] = json.loads(made[name])
            except ValueError:
                continue
    nano = made.pop("reported_cost_nano_usd", None)
    if isinstance(nano, int):
        made["reported_cost_usd"] = f"{nano // 10**9}.{nano % 10**9:09d}"
    return made, made != event
