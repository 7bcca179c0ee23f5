"""What each kind of control record says: the body's JSON in, a checked value out."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from producers.control.selection import EventKey, Selection, Strict, Text
from producers.errors import ControlRefused

MAX_EVENTS: Final = 1000
"""Single events that one record may name."""
MAX_TOKENS: Final = 10**12
MAX_REVISION: Final = (1 << 32) - 1
Tokens = Annotated[int, Field(ge=0, le=MAX_TOKENS)]
Status = Literal["success", "error", "cancelled"]
Revision = Annotated[int, Field(ge=1, le=MAX_REVISION)]


class ConfigBody(Strict):
    """A revision of the configuration is in force from here.

    prices, multipliers: of the whole installation. calendar: of the record's organisation. content_hash: SHA-256.
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
    """What is known of an event only afterwards; what is left out stays as it is."""

    rating: Annotated[int, Field(ge=1, le=5)] | None = None
    category: Annotated[str, Field(max_length=128)] | None = None
    status: Status | None = None
    error_code: Annotated[str, Field(max_length=128)] | None = None


class Correction(Amendment):
    """What was wrong in an event; what is left out stays as it is. Its price and credits are worked out again."""

    customer_id: Text | None = None
    user_id: Text | None = None
    department: Text | None = None
    project: Text | None = None
    feature: Text | None = None
    prompt_id: Text | None = None
    thread_id: Text | None = None
    api_key_id: Text | None = None
    provider: Annotated[str, Field(max_length=128)] | None = None
    model: Annotated[str, Field(max_length=256)] | None = None
    billing_type: Literal["SYSTEM", "BYOK"] | None = None
    plan: Annotated[str, Field(max_length=64)] | None = None
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
    duration_ms: Annotated[int, Field(ge=0, le=MAX_TOKENS)] | None = None
    time_to_first_token_ms: Annotated[int, Field(ge=0, le=MAX_TOKENS)] | None = None
    reported_cost_usd: Annotated[Decimal, Field(ge=0, le=10**6, decimal_places=9)] | None = None


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
    """Events of a selection get the prices (and credits) of a revision that is in force here."""

    selection: Selection = Selection()
    prices: Revision
    multipliers: Revision | None = None


class EraseBody(Strict):
    """Everything of a user, or without one of the whole organisation, leaves the warehouse."""

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


def body_of(kind: str, organization: str, body: Any) -> Body:
    """The checked body of a record of this kind. Raises ControlRefused with what is wrong and where."""
    model = BODIES.get(kind)
    if model is None:
        raise ControlRefused(f"unknown kind {kind[:40]!r}: one of {', '.join(BODIES)}")
    try:
        read = model.model_validate(body)
    except ValidationError as problem:
        raise ControlRefused(f"{kind}: {_told(problem)}") from None
    needs = kind in OF_ONE_ORGANIZATION or (isinstance(read, ConfigBody) and read.subject == "calendar")
    if needs and not organization:
        raise ControlRefused(f"{kind}: name the organization it is about")
    if isinstance(read, ConfigBody) and read.subject != "calendar" and organization:
        raise ControlRefused(f"{kind}: {read.subject} hold for the whole installation: name no organization")
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
    first, *others = problem.errors(include_url=False)
    place = ".".join(str(part) for part in first["loc"])
    more = f" (and {len(others)} more)" if others else ""
    return f"{place + ': ' if place else ''}{first['msg'].removeprefix('Value error, ')}{more}"
