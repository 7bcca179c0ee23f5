"""What a control record in the log says, read by hand: bytes and a signature in, an order or a refusal out.

Written against the contract's text and not against its code: signature (HMAC-SHA256 of the value, hexadecimal), the log
partition it was signed for, the kind and the body.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.chaos.event import Event

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SELECTED = frozenset(
    {
        *("customer_id", "user_id", "department", "project", "feature", "prompt_id", "thread_id", "api_key_id"),
        *("provider", "model", "billing_type", "plan", "status", "category", "cost_status"),
    }
)
BODIES: Mapping[str, frozenset[str]] = {
    "config": frozenset({"subject", "revision", "content_hash"}),
    "repair": frozenset({"first", "last"}),
    "replay": frozenset({"first"}),
    "amend": frozenset({"events", "selection", "set"}),
    "void": frozenset({"events", "selection"}),
    "replace": frozenset({"events", "selection", "set"}),
    "reprice": frozenset({"selection", "prices", "multipliers"}),
    "erase": frozenset({"user_id"}),
}
NEEDED: Mapping[str, frozenset[str]] = {
    "config": BODIES["config"],
    "repair": BODIES["repair"],
    "replay": BODIES["replay"],
}
CLEARED: Mapping[str, frozenset[str]] = {
    "amend": frozenset({"rating"}),
    "replace": frozenset({"rating", "duration_ms", "time_to_first_token_ms", "reported_cost_usd"}),
}
OF_ONE_ORGANIZATION = frozenset({"amend", "void", "replace", "erase"})


class Refused(Exception):
    """The record changes nothing. kind: of a record that was signed for its place, so that its refusal is told."""

    def __init__(self, reason: str, kind: str = "") -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Order:
    """A record that was signed for the place where it stands and says what can be done."""

    control_id: str
    kind: str
    organization: str
    body: Mapping[str, Any]

    @property
    def named(self) -> list[tuple[str, int, Mapping[str, Any]]]:
        """Single events: id, time (Unix ms) and what is set of each."""
        return [(one["event_id"], unix_ms(one["time"]), one.get("set", {})) for one in self.body.get("events", ())]


def read_order(value: bytes, signed: bytes | None, key: bytes, partition: int) -> Order:
    """The order in this log partition. Raises Refused."""
    mine = hmac.new(key, value, hashlib.sha256).hexdigest().encode()
    if signed != mine:
        raise Refused("not signed")
    try:
        said = json.loads(value)
        kind, place = said["kind"], said["src_partition"]
    except (ValueError, TypeError, KeyError) as problem:
        raise Refused(f"unreadable: {problem!r}") from problem
    if place != partition:
        raise Refused(f"signed for {place}")
    try:
        order = Order(str(UUID(said["control_id"])), kind, said["organization"], said["body"])
    except (ValueError, TypeError, KeyError) as problem:
        raise Refused(f"unreadable: {problem!r}", kind) from problem
    if wrong := _problem(order):
        raise Refused(wrong, order.kind)
    return order


def _problem(order: Order) -> str:
    kind, body = order.kind, order.body
    if kind not in BODIES:
        return "unknown kind"
    given = {name for name, value in body.items() if value not in (None, [])}
    if given - BODIES[kind] or NEEDED.get(kind, frozenset()) - given:
        return "other fields than its kind has"
    if kind in OF_ONE_ORGANIZATION and not order.organization:
        return "no organization"
    if kind == "config":
        subject, own = body["subject"], bool(order.organization)
        known = subject in ("prices", "multipliers") or (subject == "calendar" and own)
        return "" if known else "no such configuration"
    if kind == "repair" and body["last"] < body["first"]:
        return "days in the wrong order"
    if kind in ("void", "amend", "replace"):
        return _problem_of_targets(body, CLEARED.get(kind))
    return ""


def _problem_of_targets(body: Mapping[str, Any], cleared: frozenset[str] | None) -> str:
    """cleared: what `set` may take away; None for a kind that sets nothing."""
    events, selection = body.get("events") or (), body.get("selection")
    if bool(events) == (selection is not None):
        return "neither events nor a selection, or both"
    if selection is not None and not selection:
        return "everything is selected"
    if len({(one["event_id"], unix_ms(one["time"])) for one in events}) < len(events):
        return "an event is named twice"
    if cleared is None:
        return ""
    for said in [body.get("set")] if selection is not None else [one["set"] for one in events]:
        if not said:
            return "nothing is set"
        if "clear" in said and (not said["clear"] or set(said["clear"]) - cleared or set(said["clear"]) & set(said)):
            return "cleared is nothing, what is set, or what cannot be"
    return ""


def unix_ms(instant: str) -> int:
    """An ISO instant as Unix milliseconds."""
    return (datetime.fromisoformat(instant) - EPOCH) // timedelta(milliseconds=1)


def selects(selection: Mapping[str, Any], event: Event, cost_status: str) -> bool:
    """Whether an event, as it is, agrees with a selection."""
    if "since" in selection and event.time_ms < unix_ms(selection["since"]):
        return False
    if "until" in selection and event.time_ms >= unix_ms(selection["until"]):
        return False
    have = {name: cost_status if name == "cost_status" else event.text(name) for name in SELECTED & set(selection)}
    return all(have[name] == selection[name] for name in have)
