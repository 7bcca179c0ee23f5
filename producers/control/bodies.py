"""What each kind of control record says: the body's JSON in, a checked value out."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from producers.control.selection import EventKey, Selection, Strict, Text
from producers.errors import ControlRefused
from tokentally.fields import Quantities, ServiceTier, Usd

MAX_EVENTS: Final = 1000
"""Single events that one record may name."""
TOLD: Final = 3
"""Problems of a body that are told."""
MAX_TOKENS: Final = 10**12
MAX_REVISION: Final = (1 << 32) - 1
Tokens = Annotated[int, Field(ge=0, le=MAX_TOKENS)]
Status = Literal["success", "error", "cancelled"]
Revision = Annotated[int, Field(ge=1, le=MAX_REVISION)]
Amount = Literal["rating", "duration_ms", "time_to_first_token_ms", "reported_cost_usd"]
"""What an event may have no value of; a text without one is empty."""


class ConfigBody(Strict):
    """A revision of the configuration is in force from here.

    prices, multipliers: those for everyone, or with an organisation its own ones. calendar: of the record's
    organisation. content_hash: SHA-256.
    """

    subject: Literal["prices", "multipliers", "calendar"]
    revision: Revision
    content_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class RepairBody(Strict):
    """Rollup rows of these local days (both included) are computed again from raw events."""

    first: date
    last: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"the last day ({self.last}) lies before the first ({self.first})")
        return self


class ReplayBody(Strict):
    """All rollup rows from this local day on are built beside those in use, which they then replace."""

    first: date


class Amendment(Strict):
    """What is known of an event only afterwards; what is left out stays as it is.

    clear: what has no value any more. Who asks is held to what events may say, see `producers.control.request`.
    """

    clear: Annotated[tuple[Amount, ...], Field(min_length=1)] | None = None
    rating: Annotated[int, Field(ge=1, le=5)] | None = None
    category: Text | None = None
    status: Status | None = None
    error_code: Text | None = None

    @model_validator(mode="after")
    def _clears_what_it_has(self) -> Self:
        if wrong := wrong_in_clear(type(self).model_fields, vars(self)):
            raise ValueError(wrong)
        return self


def wrong_in_clear(fields: Collection[str], said: Mapping[str, Any]) -> str:
    """What is wrong with the amounts that are cleared, beside what is set; empty when nothing is."""
    for name in said.get("clear") or ():
        if name not in fields:
            return f"clear: an amendment does not change {name}: replace the event"
        if said.get(name) is not None:
            return f"{name} is set and cleared: say one of them"
    return ""


class Correction(Amendment):
    """What was wrong in an event; what is left out stays as it is. Its price and credits are worked out again.

    quantities: all of them anew; an empty object means none.
    """

    customer_id: Text | None = None
    user_id: Text | None = None
    department: Text | None = None
    project: Text | None = None
    feature: Text | None = None
    prompt_id: Text | None = None
    thread_id: Text | None = None
    api_key_id: Text | None = None
    provider: Text | None = None
    model: Text | None = None
    billing_type: Literal["SYSTEM", "BYOK"] | None = None
    plan: Text | None = None
    service_tier: ServiceTier | None = None
    input_tokens: Tokens | None = None
    cache_read_tokens: Tokens | None = None
    cache_write_5m_tokens: Tokens | None = None
    cache_write_1h_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    reasoning_tokens: Tokens | None = None
    input_audio_tokens: Tokens | None = None
    cache_audio_read_tokens: Tokens | None = None
    output_audio_tokens: Tokens | None = None
    input_image_tokens: Tokens | None = None
    cache_image_read_tokens: Tokens | None = None
    output_image_tokens: Tokens | None = None
    input_video_tokens: Tokens | None = None
    output_video_tokens: Tokens | None = None
    quantities: Quantities | None = None
    duration_ms: Annotated[int, Field(ge=0, le=MAX_TOKENS)] | None = None
    time_to_first_token_ms: Annotated[int, Field(ge=0, le=MAX_TOKENS)] | None = None
    reported_cost_usd: Usd | None = None


class _Targeted(Strict):
    """Events by their identities, or all of a selection: one of the two."""

    selection: Selection | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        events: tuple[EventKey, ...] = getattr(self, "events", ())
        if bool(events) == (self.selection is not None):
            raise ValueError("give either `events` or a `selection`")
        if self.selection is not None and self.selection.is_everything:
            raise ValueError("a selection of everything is refused: give at least `since` or `until` or a field")
        if len({(each.event_id, each.time) for each in events}) < len(events):
            raise ValueError("an event is named twice")
        return self


class VoidBody(_Targeted):
    """These events never counted."""

    events: Annotated[tuple[EventKey, ...], Field(max_length=MAX_EVENTS)] = ()


class AmendedEvent(EventKey):
    """An event, and what became known of it."""

    set: Amendment


class AmendBody(_Targeted):
    """A rating, a category or a status for earlier events, also for those that have not come yet."""

    events: Annotated[tuple[AmendedEvent, ...], Field(max_length=MAX_EVENTS)] = ()
    set: Amendment | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        return _check_sets(self, self.events, self.set)


class CorrectedEvent(EventKey):
    """An event, and what was wrong in it."""

    set: Correction


class ReplaceBody(_Targeted):
    """Wrong usage is replaced by what is right."""

    events: Annotated[tuple[CorrectedEvent, ...], Field(max_length=MAX_EVENTS)] = ()
    set: Correction | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        return _check_sets(self, self.events, self.set)


class RepriceBody(Strict):
    """Events of a selection get the prices (and credits) of revisions that are in force here.

    prices: without them, in each log partition those in force at the record. multipliers: a revision, or what is in
    force in each log partition; without them credits stay, and the terms by which each event is billed.
    """

    selection: Selection = Selection()
    prices: Revision | None = None
    multipliers: Literal["in_force"] | Revision | None = None


class EraseBody(Strict):
    """Everything of a user, or without one of the whole organisation, leaves the warehouse.

    Who asks for the latter must say so, see `producers.control.request`.
    """

    user_id: Annotated[str, Field(min_length=1, max_length=1024)] | None = None


Body = ConfigBody | RepairBody | ReplayBody | AmendBody | VoidBody | ReplaceBody | RepriceBody | EraseBody
BODIES: Final[dict[str, type[Body]]] = {
    "config": ConfigBody,
    "repair": RepairBody,
    "replay": ReplayBody,
    "amend": AmendBody,
    "void": VoidBody,
    "replace": ReplaceBody,
    "reprice": RepriceBody,
    "erase": EraseBody,
}
OF_ONE_ORGANIZATION: Final = frozenset({"amend", "void", "replace", "erase"})
"""Kinds that name an organisation; the others may be about all."""


def body_of(kind: str, organization: str, body: Any, models: Mapping[str, type[Body]] = BODIES) -> Body:
    """The checked body of a record of this kind. Raises ControlRefused with what is wrong and where.

    models: what a body of each kind may say.
    """
    model = models.get(kind)
    if model is None:
        raise ControlRefused(f"unknown kind {kind[:40]!r}: one of {', '.join(models)}")
    try:
        read = model.model_validate(body)
    except ValidationError as problem:
        raise ControlRefused(f"{kind}: {_told(problem)}") from None
    needs = kind in OF_ONE_ORGANIZATION or (isinstance(read, ConfigBody) and read.subject == "calendar")
    if needs and not organization:
        raise ControlRefused(f"{kind}: name the organization it is about")
    return read


T = TypeVar("T", bound="AmendBody | ReplaceBody")


def _check_sets(body: T, events: Any, everyone: Strict | None) -> T:
    if (body.selection is None) != (everyone is None):
        raise ValueError("`set` belongs to a `selection`; single events have their own")
    for each in [everyone] if everyone is not None else [event.set for event in events]:
        if not each.model_dump(exclude_none=True):
            raise ValueError("`set` is empty: say what changes")
    return body


def _told(problem: ValidationError) -> str:
    found = problem.errors(include_url=False)
    more = f" (and {len(found) - TOLD} more)" if len(found) > TOLD else ""
    return "; ".join(map(_sentence, found[:TOLD])) + more


def _sentence(problem: Mapping[str, Any]) -> str:
    """One problem: where it is, what it is, and what to do."""
    place = ".".join(str(part)[:80] for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{place}: there is no such field here; leave it out or correct its name"
    if problem["type"] == "missing":
        return f"{place}: missing; give it"
    return f"{place + ': ' if place else ''}{problem['msg'].removeprefix('Value error, ')}"
