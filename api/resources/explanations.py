"""GET /v1/events/{event_id}/explanation: how one event got its cost, credits and billed amount."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.documentation import documented
from api.errors import NotFound
from api.fields import AnswerModel
from api.parameters import Text
from api.resources.explanation_fields import ExplanationAnswer
from api.scope import AtDesk
from tokentally.identity import event_uuid, parse_event_uuid

router = APIRouter(tags=["events"])
REVISION_MAX = (1 << 32) - 1


class ExplanationParameters(BaseModel):
    """Whose event, and another revision to compare with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    organization: Text | None = Field(
        None, description="Its organisation: makes a sender's key exact", examples=["acme"]
    )
    under: int | None = Field(
        None, ge=1, le=REVISION_MAX, description="Also show the cost under this revision of the prices", examples=[2]
    )


class ExplanationsAnswer(AnswerModel):
    """The events of an id: one, or several that came with other times or organisations."""

    explanations: list[ExplanationAnswer] = Field(description="One per event that was accepted")


@router.get("/v1/events/{event_id}/explanation", **documented(ExplanationsAnswer))
async def explanation(
    request: Request,
    event_id: Annotated[
        str,
        Path(
            max_length=256,
            description="The event's id: a UUID, or the sender's own key",
            examples=["019cf00d-5b1e-7c3a-9d55-0242ac120002"],
        ),
    ],
    parameters: Annotated[ExplanationParameters, Query()],
    desk: AtDesk,
) -> ExplanationsAnswer:
    """The sum line by line: bucket, quantity, price, where the price stands, rounding, multiplier and billing."""
    organization = desk.reader.choose(parameters.organization)
    known = parse_event_uuid(event_id) if organization is None else event_uuid(organization, event_id)
    found = await request.app.state.explaining.explain(known, event_id, organization, parameters.under)
    if not found:
        raise NotFound(
            "there is no such event among those that were accepted; ./tally trace says what became of it",
            code="unknown_event",
        )
    return ExplanationsAnswer(explanations=[ExplanationAnswer.of(each) for each in found])
