"""GET /v1/organizations: the organisations a key may read, with the calendar each counts in."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.documentation import documented
from api.fields import AnswerModel, AsOf
from api.scope import AtDesk
from warehouse.queries.organizations import Organizations

router = APIRouter(tags=["directory"])
PAGE_MAX = 1000


class OrganizationsParameters(BaseModel):
    """Which page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(PAGE_MAX, ge=1, le=PAGE_MAX, description="Organisations in one answer", examples=[100])
    offset: int = Field(0, ge=0, le=10_000_000, description="Organisations to skip", examples=[0])


class OrganizationAnswer(AnswerModel):
    """One organisation."""

    name: str = Field(description="What events call it", examples=["acme"])
    display_name: str = Field(description="Name for people", examples=["Acme SA"])
    time_zone: str = Field(description="IANA zone of its days", examples=["Europe/Paris"])
    week_start: int = Field(description="First day of its weeks, 1 = Monday to 7 = Sunday", examples=[1])
    registered: bool = Field(description="False when an event created it", examples=[True])


class OrganizationsAnswer(AsOf):
    """One page of organisations."""

    next_offset: int | None = Field(description="offset of the next page; null on the last", examples=[100])
    organizations: list[OrganizationAnswer] = Field(description="By name")


@router.get("/v1/organizations", **documented(OrganizationsAnswer, refusals=(401, 403, 422, 503)))
async def organizations(parameters: Annotated[OrganizationsParameters, Query()], desk: AtDesk) -> OrganizationsAnswer:
    """Every organisation for a key that reads all; its own for any other."""
    as_of = await desk.as_of()
    question = Organizations(desk.clock(), desk.reader.organization, parameters.limit + 1, parameters.offset)
    found = await desk.warehouse.ask(question)
    return OrganizationsAnswer(
        as_of=as_of,
        next_offset=parameters.offset + parameters.limit if len(found) > parameters.limit else None,
        organizations=[OrganizationAnswer.model_validate(one) for one in found[: parameters.limit]],
    )
