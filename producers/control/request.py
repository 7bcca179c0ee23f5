"""What may be asked for: a kind and a body as somebody sends them in, what the record then says out.

Stricter than a reader of the log: who asks must say what is meant, as what is done may be for good.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Self, get_args

from pydantic import BaseModel, ConfigDict, StrictBool, TypeAdapter, ValidationError, create_model, model_validator

from producers.control.bodies import (
    BODIES,
    AmendBody,
    AmendedEvent,
    Amendment,
    Body,
    CorrectedEvent,
    Correction,
    EraseBody,
    ReplaceBody,
    body_of,
    wrong_in_clear,
)
from producers.control.selection import Selection
from producers.errors import ControlRefused
from tokentally.errors import reasons
from tokentally.fields import BillingType, Key, Status
from tokentally.identity import event_uuid
from tokentally.usage_event import UsageEvent

EVERYTHING: Final = "everything"
CLEAR: Final = "clear"
MOMENTS: Final = ("since", "until", "time", "first", "last")
NULL: Final = "null says nothing: leave it out, or give the value that is meant"


class EraseRequest(EraseBody):
    """Whom an erasure is about: one user, or in so many words everything of the organisation."""

    everything: StrictBool = False

    @model_validator(mode="after")
    def _says_whom(self) -> Self:
        if (self.user_id is not None) == self.everything:
            raise ValueError(
                "say what to erase: either `user_id`, or `everything`: true for all of the organization, for good"
            )
        return self


def _as_in_events(said: type[Amendment]) -> type[BaseModel]:
    """The same fields with the bounds that they have in an event; "7" is a number here, as files have texts only."""
    fields: dict[str, Any] = {
        name: (field.annotation, field) for name, field in UsageEvent.model_fields.items() if name in said.model_fields
    }
    return create_model(said.__name__, __config__=ConfigDict(hide_input_in_errors=True), **fields)


SETS: Final[dict[str, type[BaseModel]]] = {"amend": _as_in_events(Amendment), "replace": _as_in_events(Correction)}
"""What an event may be set to, by kind."""
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "status": get_args(Status),
    "billing_type": get_args(BillingType),
    "cost_status": ("unpriced", "partial", "priced", "free", "reported"),
}
"""Fields of a selection that always have one of these values: another one would meet nothing."""
_EVENT_ID: Final[TypeAdapter[str]] = TypeAdapter(Key)
REQUESTS: Final[dict[str, type[Body]]] = {**BODIES, "erase": EraseRequest}


def content_of(kind: str, organization: str, said: Any) -> dict[str, Any]:
    """The content of the record that is asked for. Raises ControlRefused with what is wrong, where, and what to do.

    Events may be named by the ids that their senders gave them.
    """
    body = body_of(kind, organization, _identified(organization, said), REQUESTS)
    for place, value in _values(said):  # asked second: what a model knows is not nested without end
        if wrong := _no_value(place.rpartition(".")[2], value):
            raise ControlRefused(f"{kind}: {place}: {wrong}")
    if wrong := _wrong_choice(getattr(body, "selection", None)):
        raise ControlRefused(f"{kind}: selection.{wrong}")
    for place, values in _sets(body):
        if wrong := wrong_in_set(kind, values):
            raise ControlRefused(f"{kind}: {place}.{wrong}")
    return body.model_dump(mode="json", exclude_none=True, exclude={EVERYTHING})


def _identified(organization: str, said: Any) -> Any:
    """The body with the identities of events; what is no event of a body stays as it is, to be refused."""
    events = said.get("events") if isinstance(said, dict) else None
    if not isinstance(events, list | tuple):
        return said
    return {**said, "events": [_with_identity(organization, each) for each in events]}


def _with_identity(organization: str, event: Any) -> Any:
    if not isinstance(event, dict):
        return event
    try:
        known = _EVENT_ID.validate_python(event.get("event_id"), strict=True)
    except ValidationError:
        return event
    return {**event, "event_id": str(event_uuid(organization, known))}


def wrong_in_set(kind: str, said: Mapping[str, Any]) -> str:
    """The column that an event cannot be set to, or that cannot be cleared, and why; empty when there is none."""
    known = SETS[kind].model_fields
    if wrong := wrong_in_clear(known, said):
        return wrong
    said = {name: value for name, value in said.items() if name != CLEAR}
    if unknown := next((name for name in said if name not in known), None):
        return f"{unknown[:80]}: {kind} sets no such column; it sets {', '.join(known)}"
    if null := next((name for name, value in said.items() if value is None), None):
        return f"{null}: {NULL}"
    try:
        SETS[kind].model_validate(said)
    except ValidationError as problem:
        first, *others = reasons(problem)
        return first + (f" (and {len(others)} more)" if others else "")
    if said.get("model") == "" and not (said.get("feature") or said.get("quantities")):
        return "model: an event without a model needs a feature or quantities: set one of them too"
    return ""


def _wrong_choice(selection: Selection | None) -> str:
    """The field that no usage has with this value, and the values there are; empty when there is none."""
    for name, values in CHOICES.items():
        said = getattr(selection, name, None)
        if said is not None and said not in values:
            return f"{name}: {said[:80]!r} is none of {', '.join(values)}: choose one of them"
    return ""


def _sets(body: Body) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is set, and where that stands."""
    if not isinstance(body, AmendBody | ReplaceBody):
        return
    if body.set is not None:
        yield "set", body.set.model_dump(exclude_none=True)
    events: Sequence[AmendedEvent | CorrectedEvent] = body.events
    for number, event in enumerate(events):
        yield f"events.{number}.set", event.set.model_dump(exclude_none=True)


def _values(said: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value, and where it stands."""
    if not isinstance(said, dict | list | tuple):
        yield place, said
        return
    for name, value in said.items() if isinstance(said, dict) else enumerate(said):
        yield from _values(value, f"{place}.{name}".lstrip("."))


def _no_value(name: str, value: Any) -> str:
    """What is wrong with a value whatever it is for; empty when nothing is."""
    if value is None:  # a sender's variable that is not set looks like this
        return NULL
    if isinstance(value, bool) and name != EVERYTHING:
        return f"{json.dumps(value)} is no value here: give the number or text that is meant"
    if name in MOMENTS and isinstance(value, int | float):
        return f"{value} is no time: write it like 2026-03-14T09:00:00Z"
    return ""
