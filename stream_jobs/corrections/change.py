"""What a control record changes in events: its body in, columns and their new values out."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from producers.control.bodies import AmendBody, Amendment, Body, ReplaceBody, RepriceBody, VoidBody
from producers.control.selection import EventKey, Selection
from tokentally.usage_event import canonical_quantities

Value = str | int | None
"""None: no value any more."""
NANO: Final = 10**9


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of events. columns: of usage_raw. reprices: cost and credits are worked out again afterwards."""

    void: bool = False
    reprices: bool = False
    columns: Mapping[str, Value] = field(default_factory=dict)

    def text(self) -> str:
        """The change as JSON; equal changes have equal texts."""
        said = {"void": self.void, "reprices": self.reprices, "columns": dict(self.columns)}
        return json.dumps(said, sort_keys=True, ensure_ascii=False)

    @classmethod
    def read(cls, text: str) -> "Change":
        """What `text` made."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Correction:
    """One change and what it is done to: these events, or all of a selection.

    own: further columns whose values differ from event to event, in the order of the events.
    """

    change: Change
    events: tuple[EventKey, ...] = ()
    selection: Selection | None = None
    own: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def may_lie_in(self, since: int, until: int) -> bool:
        """Whether one of its events may have a time in [since, until), Unix seconds."""
        return self.selection is not None or any(since <= event.time.timestamp() < until for event in self.events)


def corrections_of(body: Body) -> list[Correction]:
    """What a body changes, one entry per distinct change; none for kinds that change no event."""
    match body:
        case VoidBody():
            return [Correction(Change(void=True), body.events, body.selection)]
        case RepriceBody():
            return [Correction(Change(reprices=True), selection=body.selection)]
        case AmendBody() | ReplaceBody():
            reprices = isinstance(body, ReplaceBody)
            if body.set is not None:
                return [Correction(Change(reprices=reprices, columns=columns_of(body.set)), selection=body.selection)]
            alike: dict[str, list[EventKey]] = {}
            for event in body.events:
                change = Change(reprices=reprices, columns=columns_of(event.set))
                alike.setdefault(change.text(), []).append(event)
            return [Correction(Change.read(text), tuple(events)) for text, events in alike.items()]
        case _:
            return []


def by_columns(corrections: Iterable[Correction]) -> list[Correction]:
    """The same, those of named events that change the same columns as one: a thousand different values are written by
    one statement."""
    alike: dict[tuple[object, ...], list[Correction]] = {}
    for each in corrections:
        change = each.change
        kind = (each.selection is None, change.void, change.reprices, *sorted(change.columns))
        alike.setdefault(kind, []).append(each)
    return [_joined(group) for group in alike.values()]


def _joined(group: Sequence[Correction]) -> Correction:
    first, *others = group
    if not others:
        return first
    said = {
        name: tuple(each.change.columns[name] for each in group for _ in each.events) for name in first.change.columns
    }
    common = {name: values[0] for name, values in said.items() if len(set(values)) == 1}
    own = {name: values for name, values in said.items() if name not in common}
    events = tuple(event for each in group for event in each.events)
    return Correction(replace(first.change, columns=common), events, own=own)


def columns_of(said: Amendment) -> dict[str, Value]:
    """Columns of usage_raw and the values they get; what is left out stays as it was.

    quantities: their JSON, as when an event is born.
    """
    columns: dict[str, Value] = said.model_dump(exclude_none=True, exclude={"reported_cost_usd", "quantities", "clear"})
    reported, quantities = getattr(said, "reported_cost_usd", None), getattr(said, "quantities", None)
    if reported is not None:
        columns["reported_cost_nano_usd"] = int(reported * NANO)
    if quantities is not None:
        columns["quantities"] = canonical_quantities(quantities)
    return columns | dict.fromkeys(map(_column, said.clear or ()))


def _column(amount: str) -> str:
    return "reported_cost_nano_usd" if amount == "reported_cost_usd" else amount
