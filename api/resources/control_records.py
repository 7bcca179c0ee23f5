"""/v1/control: what is asked of the log (corrections, repairs, configuration), how far it is, and orders to it."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from api import cursor
from api.documentation import documented
from api.fields import AnswerModel
from api.parameters import Name
from api.resources.control_fields import (
    ID,
    DifferenceAnswer,
    PlaceAnswer,
    PublishedPlace,
    RecordAnswer,
)
from api.writing_desk import AtAdministratorsDesk, WritingDesk
from stream_jobs.control.publisher import Published
from warehouse.control.orders import Order
from warehouse.control.records import RecordPosition, Records, Standings
from warehouse.control.standing import State
from warehouse.queries.query import milliseconds, utc_of_milliseconds

router = APIRouter(tags=["control"])
PAGE_MAX = 500
NOTE_MAX = 1000
Kind = Literal["config", "repair", "replay", "amend", "void", "replace", "reprice", "erase"]
SELECTED = {"selection": {"since": "2026-03-14T00:00:00Z", "user_id": "u-42"}}
ControlId = Annotated[UUID, Path(description="Identity of the request", examples=[ID])]


class ControlRequest(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = Field(description="What kind of record", examples=["void"])
    organization: Name | None = Field(
        None,
        description="Organisation it is about. A key of one organisation may leave it out; with a key for every "
        "organisation, leaving it out means all, where the kind allows it",
        examples=["acme"],
    )
    body: dict[str, Any] = Field(
        description="What is asked, by kind. Nothing in it may be null; in a selection an empty text means usage "
        "without a value. Events are named by `event_id` (as it was sent: a UUID, or the sender's own key) and `time`. "
        "An erasure names either `user_id` or `everything`: true",
        examples=[SELECTED],
    )
    note: str = Field("", max_length=NOTE_MAX, description="Why; kept", examples=["a test ran with the wrong key"])
    dry_run: bool = Field(False, description="Only say what would change", examples=[False])
    control_id: UUID | None = Field(
        None, description="Identity of the request: the same again changes nothing. Made when left out", examples=[ID]
    )


class ControlAnswer(AnswerModel):
    """What became of a request."""

    control_id: str | None = Field(description="Identity of the request; null for a dry run", examples=[ID])
    places: list[PublishedPlace] = Field(description="Where it stands in the log; empty for a dry run")
    difference: DifferenceAnswer | None = Field(description="What would change; null unless dry_run=true")


class ControlsParameters(BaseModel):
    """Which records, and which page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind | None = Field(None, description="Only this kind", examples=["void"])
    organization: Name | None = Field(None, description="Only about this organisation", examples=["acme"])
    state: State | None = Field(
        None,
        description="Only those in this state: a page then may hold fewer than `limit`, or none; go on while there is "
        "a next_cursor",
        examples=["working"],
    )
    limit: int = Field(100, ge=1, le=PAGE_MAX, description="Records to look at for one answer", examples=[50])
    cursor: str | None = Field(
        None,
        max_length=cursor.LENGTH_MAX,
        description="next_cursor of the page before",
        examples=["WzE3NzM0ODIwMTM1ODld"],
    )


class ControlsAnswer(AnswerModel):
    """One page of records."""

    next_cursor: str | None = Field(
        description="Send it as cursor for the next page; null on the last", examples=["WzE3NzM0ODIwMTM1ODld"]
    )
    records: list[RecordAnswer] = Field(description="Newest first")


class ControlRecordAnswer(RecordAnswer):
    """One record with what it says, and how far it is in each partition."""

    body: dict[str, Any] | None = Field(
        description="What is asked; null when it named what was erased", examples=[SELECTED]
    )
    places: list[PlaceAnswer] = Field(description="Each log partition that it goes to")


class OrderAnswer(AnswerModel):
    """What became of an order."""

    control_id: str = Field(description="The record whose job it is", examples=[ID])
    order: Order = Field(description="pause, resume or cancel", examples=["pause"])
    changed: bool = Field(description="false when that was wanted already", examples=[True])
    awaited: int = Field(
        description="Named events that have not come, at most until the job is planned: each is changed when it comes, "
        "also once the job is cancelled",
        examples=[0],
    )


@router.post(
    "/v1/control", status_code=202, **documented(ControlAnswer, refusals=(401, 403, 409, 413, 422, 503), status=202)
)
async def ask(request: ControlRequest, desk: AtAdministratorsDesk) -> ControlAnswer:
    """Ask for a correction, a repair or a revision; needs the scope `admin`. It is stored before this answers, and
    carried out in the background."""
    record = await desk.record(request.kind, request.organization, request.body, request.note, request.control_id)
    if request.dry_run:
        found = await desk.control.difference(record)
        return ControlAnswer(control_id=None, places=[], difference=DifferenceAnswer.of(found))
    return answered(await desk.control.ask(record))


@router.get("/v1/control", **documented(ControlsAnswer, refusals=(401, 403, 422, 503)))
async def listed(parameters: Annotated[ControlsParameters, Query()], desk: AtAdministratorsDesk) -> ControlsAnswer:
    """What was asked for, newest first, and how far it is; needs the scope `admin`."""
    organization = desk.writer.about(parameters.organization)
    which = Records(None, parameters.kind, organization, parameters.limit + 1, _position(parameters.cursor))
    found = await desk.warehouse.ask(which)
    shown = found[: parameters.limit]
    followed = await desk.warehouse.ask(Standings(shown)) if shown else []
    last = shown[-1] if len(found) > parameters.limit else None
    return ControlsAnswer(
        next_cursor=cursor.encoded(milliseconds(last.created), last.control_id) if last else None,
        records=[
            RecordAnswer(**RecordAnswer.values(each)) for each in followed if parameters.state in (None, each.state)
        ],
    )


@router.get("/v1/control/{control_id}", **documented(ControlRecordAnswer))
async def one(control_id: ControlId, desk: AtAdministratorsDesk) -> ControlRecordAnswer:
    """One record, what it says, and how far it is in each partition of the log; needs the scope `admin`."""
    found = await desk.followed(control_id)
    body = None if found.asked.body is None else dict(found.asked.body)
    places = [PlaceAnswer.of(each) for each in found.standings]
    return ControlRecordAnswer(**RecordAnswer.values(found), body=body, places=places)


@router.post("/v1/control/{control_id}/pause", **documented(OrderAnswer, refusals=(401, 403, 404, 409, 422, 503)))
async def pause(control_id: ControlId, desk: AtAdministratorsDesk) -> OrderAnswer:
    """Let a job rest after the slice that is being done; needs the scope `admin`."""
    return await _ordered(control_id, desk, Order.PAUSE)


@router.post("/v1/control/{control_id}/resume", **documented(OrderAnswer, refusals=(401, 403, 404, 409, 422, 503)))
async def resume(control_id: ControlId, desk: AtAdministratorsDesk) -> OrderAnswer:
    """Let a paused job go on; needs the scope `admin`."""
    return await _ordered(control_id, desk, Order.RESUME)


@router.post("/v1/control/{control_id}/cancel", **documented(OrderAnswer, refusals=(401, 403, 404, 409, 422, 503)))
async def cancel(control_id: ControlId, desk: AtAdministratorsDesk) -> OrderAnswer:
    """End a job for good, what is done stays done; needs the scope `admin`.

    Orders are not in the log: events that the record names and that have not come are changed all the same when they
    come. An erasure that has begun is refused with 409.
    """
    return await _ordered(control_id, desk, Order.CANCEL)


def answered(published: Published) -> ControlAnswer:
    """The answer to what was stored."""
    places = [PublishedPlace(partition=each, offset=published.places.get(each)) for each in published.partitions]
    return ControlAnswer(control_id=published.control_id, places=places, difference=None)


async def _ordered(control_id: UUID, desk: WritingDesk, order: Order) -> OrderAnswer:
    known = await desk.followed(control_id)
    changed = await desk.control.order(known.asked.control_id, order, desk.writer.author)
    return OrderAnswer(control_id=known.asked.control_id, order=order, changed=changed, awaited=known.awaited)


def _position(text: str | None) -> RecordPosition | None:
    if text is None:
        return None
    created, control_id = cursor.decoded(text, int, str)
    try:
        return RecordPosition(utc_of_milliseconds(int(created)), str(UUID(str(control_id))))
    except (OverflowError, ValueError) as failure:
        raise cursor.invalid(text) from failure
