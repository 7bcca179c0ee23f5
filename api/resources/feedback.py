"""POST /v1/feedback: ratings and categories for events that were sent before, or are still to come."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.documentation import documented
from api.fields import AnswerModel
from api.parameters import Name
from api.resources.control_fields import ID, PublishedPlace
from api.writing_desk import AtSendersDesk
from producers.control.bodies import MAX_EVENTS
from tokentally.fields import Stars, Text
from tokentally.identity import event_uuid

router = APIRouter(tags=["control"])
NOTE = "feedback"


class FeedbackEvent(BaseModel):
    """What became known of one event."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_id: Annotated[str, Field(min_length=1, max_length=256)] = Field(
        description="The event's id as it was sent: a UUID, or the sender's own key", examples=["call-1"]
    )
    time: AwareDatetime = Field(description="The event's time as it was sent", examples=["2026-03-14T09:26:53.118Z"])
    rating: Stars | None = Field(None, description="User rating, 1 to 5", examples=[5])
    category: Text | None = Field(None, description="Task category", examples=["code"])
    clear: tuple[Literal["rating"]] | None = Field(None, description="Takes a rating away", examples=[["rating"]])

    def amended(self, organization: str) -> dict[str, Any]:
        """The event as a record amends it."""
        said = {"rating": self.rating, "category": self.category, "clear": self.clear}
        return {
            "event_id": str(event_uuid(organization, self.event_id)),
            "time": self.time.isoformat(),
            "set": {name: value for name, value in said.items() if value is not None},
        }


class FeedbackRequest(BaseModel):
    """Feedback about events of one organisation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    organization: Name | None = Field(
        None, description="Whose events. A key of one organisation may leave it out", examples=["acme"]
    )
    events: list[FeedbackEvent] = Field(min_length=1, max_length=MAX_EVENTS, description="Each event once")
    control_id: UUID | None = Field(
        None, description="Identity of the request: the same again changes nothing. Made when left out", examples=[ID]
    )


class FeedbackAnswer(AnswerModel):
    """The feedback is stored."""

    control_id: str = Field(description="Identity of the request", examples=[ID])
    events: int = Field(description="Events that it is about", examples=[1])
    places: list[PublishedPlace] = Field(description="Where it stands in the log")


@router.post(
    "/v1/feedback", status_code=202, **documented(FeedbackAnswer, refusals=(401, 403, 409, 413, 422, 503), status=202)
)
async def feedback(request: FeedbackRequest, desk: AtSendersDesk) -> FeedbackAnswer:
    """Rate or categorise events after the fact, also events still to come; needs the scope `ingest` or `admin`. It
    is stored before this answers, and shows within seconds."""
    organization = desk.writer.choose(request.organization)
    body: dict[str, object] = {"events": [event.amended(organization) for event in request.events]}
    record = await desk.record("amend", organization, body, NOTE, request.control_id)
    published = await desk.control.ask(record)
    places = [PublishedPlace(partition=each, offset=published.places.get(each)) for each in published.partitions]
    return FeedbackAnswer(control_id=published.control_id, events=len(request.events), places=places)
