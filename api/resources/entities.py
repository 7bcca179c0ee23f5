"""POST /v1/entities: a product tells that a prompt, feature or customer was created, renamed or archived."""

from datetime import timedelta
from enum import StrEnum

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.documentation import documented
from api.errors import InvalidParameter
from api.fields import instant_text
from api.resources.entries import ChangeAnswer, change_answer
from api.writing_desk import AtSendersDesk
from warehouse.directory.entry import Kind, State, wished
from warehouse.errors import InvalidEntry

router = APIRouter(tags=["directory"])
AHEAD_MAX = timedelta(minutes=15)
"""How far the clock of a sender may be ahead, as for usage events."""


class Action(StrEnum):
    """What happened to an entity."""

    CREATED = "created"
    RENAMED = "renamed"
    ARCHIVED = "archived"


class EntityEvent(BaseModel):
    """What happened to an entity, and when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Kind = Field(description="What the entity is", examples=["prompt"])
    action: Action = Field(description="What happened to it", examples=["renamed"])
    id: str = Field(description="Its id, as usage events carry it", examples=["p-7"])
    name: str | None = Field(
        None, description="Its name for people; needed unless it was archived", examples=["Weekly report"]
    )
    time: AwareDatetime = Field(
        description="When it happened, with its offset; its name holds from then on",
        examples=["2026-03-14T09:26:53.118Z"],
    )
    organization: str | None = Field(
        None, description="Organisation; a key of one organisation may leave it out", examples=["acme"]
    )


@router.post("/v1/entities", **documented(ChangeAnswer, refusals=(401, 403, 413, 422, 503)))
async def entities(body: EntityEvent, desk: AtSendersDesk) -> ChangeAnswer:
    """Notes what happened to an entity. The same event again changes nothing.

    Events may arrive in any order: each holds from its own time on, so a late one never undoes a newer name.
    """
    organization = desk.writer.choose(body.organization)
    if body.type is Kind.ORGANIZATION:
        raise InvalidParameter(
            "type: an organization is no entity of a product; PUT /v1/organizations/NAME says its name"
        )
    latest = desk.clock() + AHEAD_MAX
    if body.time > latest:
        raise InvalidParameter(f"time: {instant_text(body.time)} is in the future; send when it happened")
    if body.name is None and body.action is not Action.ARCHIVED:
        raise InvalidParameter(f"name: missing; send the name of what was {body.action}")
    states = {Action.CREATED: State.ACTIVE, Action.ARCHIVED: State.ARCHIVED}
    texts = {"display_name": body.name, "state": states.get(body.action)}
    try:
        wish = wished(organization, body.type, body.id, texts, effective_from=body.time)
    except InvalidEntry as failure:
        raise InvalidParameter(str(failure).replace("display_name:", "name:", 1)) from None
    return change_answer(*(await desk.carry_out([wish], "event"))[0])
