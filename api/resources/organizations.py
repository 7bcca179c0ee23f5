"""/v1/organizations: those a key may read, with their calendars; to register, to rename, to give another calendar."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.documentation import documented
from api.errors import InvalidParameter, NotFound
from api.fields import AnswerModel, AsOf, Instant
from api.resources.control_fields import ID, PublishedPlace
from api.resources.price_fields import NOTE_MAX, places_of
from api.scope import AtDesk
from api.writing_desk import AtAdministratorsDesk
from stream_jobs.configuring.calendar import Calendar
from stream_jobs.configuring.change import Asked
from warehouse.directory.changes import Outcome
from warehouse.directory.registration import organization_wished
from warehouse.errors import InvalidEntry, InvalidOrganization
from warehouse.organizations import WEEK_DAYS, require_name, require_time_zone
from warehouse.queries.organizations import Organizations

router = APIRouter(tags=["directory"])
PAGE_MAX = 1000
SOURCE = "api"
CHANGES = (401, 403, 409, 413, 422, 503)
NamePath = Annotated[str, Path(description="What events call it", examples=["acme"])]
ZONE = "IANA zone of its days"
WEEK_START = "First day of its weeks, 1 = Monday to 7 = Sunday"


class OrganizationsParameters(BaseModel):
    """Which page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(PAGE_MAX, ge=1, le=PAGE_MAX, description="Organisations in one answer", examples=[100])
    offset: int = Field(0, ge=0, le=10_000_000, description="Organisations to skip", examples=[0])


class ComingCalendarAnswer(AnswerModel):
    """A calendar that holds from a later moment on."""

    effective_from: Instant = Field(
        description="The first instant that is counted in it", examples=["2026-11-30T23:00:00.000Z"]
    )
    time_zone: str = Field(description=ZONE, examples=["Asia/Tokyo"])
    week_start: int = Field(description=WEEK_START, examples=[7])


class OrganizationAnswer(AnswerModel):
    """One organisation."""

    name: str = Field(description="What events call it", examples=["acme"])
    display_name: str = Field(description="Name for people as it is now", examples=["Acme SA"])
    plan: str = Field(description="Its plan now; empty: none", examples=["PRO"])
    time_zone: str = Field(description=ZONE, examples=["Europe/Paris"])
    week_start: int = Field(description=WEEK_START, examples=[1])
    registered: bool = Field(description="False when an event created it", examples=[True])
    coming_calendars: list[ComingCalendarAnswer] = Field(
        description="Changes of its calendar that are arranged and in the log, by their time"
    )


class OrganizationsAnswer(AsOf):
    """One page of organisations."""

    next_offset: int | None = Field(description="offset of the next page; null on the last", examples=[100])
    organizations: list[OrganizationAnswer] = Field(description="By name")


class RegistrationBody(BaseModel):
    """An organisation. What is left out or null stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time_zone: str | None = Field(
        None, description=f"{ZONE}; needed for one that is not known yet", examples=["Europe/Paris"]
    )
    week_start: int | None = Field(None, ge=1, le=7, description=f"{WEEK_START}; Monday for a new one", examples=[1])
    display_name: str | None = Field(None, description="Name for people", examples=["Acme SA"])
    plan: str | None = Field(None, description="Its plan; an empty text: none", examples=["PRO"])
    effective_from: AwareDatetime | None = Field(
        None,
        description="From when name and plan hold, with its offset; default: always for the first, now for a change",
        examples=["2026-03-01T00:00:00Z"],
    )


class RegistrationAnswer(AnswerModel):
    """What became of a registration."""

    name: str = Field(description="What events call it", examples=["acme"])
    time_zone: str = Field(description=ZONE, examples=["Europe/Paris"])
    week_start: int = Field(description=WEEK_START, examples=[1])
    is_new: bool = Field(description="False when it was registered in this calendar before", examples=[True])
    outcome: Outcome | None = Field(
        description="What became of name and plan: created, renamed, changed, or unchanged when they held already; "
        "null when nothing was said of them",
        examples=["renamed"],
    )
    effective_from: Instant | None = Field(
        description="From when they hold; null when nothing was to be written", examples=["2026-03-01T00:00:00.000Z"]
    )


class CalendarBody(BaseModel):
    """Another calendar from a day on. What is left out stays as it is until then."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time_zone: str | None = Field(None, description=ZONE, examples=["Asia/Tokyo"])
    week_start: int | None = Field(None, ge=1, le=7, description=WEEK_START, examples=[7])
    first_day: date = Field(
        description="First date in the new calendar; it begins at a midnight of the calendar that holds until then, "
        "at least an hour from now",
        examples=["2026-12-01"],
    )
    note: str = Field("", max_length=NOTE_MAX, description="Why; kept", examples=["moved to Tokyo"])
    dry_run: bool = Field(False, description="Only say what would change", examples=[False])


class CalendarAnswer(AnswerModel):
    """A zone and a week start."""

    time_zone: str = Field(description=ZONE, examples=["Asia/Tokyo"])
    week_start: int = Field(description=WEEK_START, examples=[7])


class CalendarChangeAnswer(AnswerModel):
    """What became of a change."""

    organization: str = Field(description="Organisation", examples=["acme"])
    effective_from: Instant = Field(
        description="The first instant that is counted in the new calendar", examples=["2026-11-30T23:00:00.000Z"]
    )
    before: CalendarAnswer = Field(description="The calendar that holds until then")
    after: CalendarAnswer = Field(description="The calendar that holds from then on")
    revision: int | None = Field(description="Revision of its calendar; null for a dry run", examples=[1])
    control_id: str | None = Field(description="Its control record; null for a dry run", examples=[ID])
    places: list[PublishedPlace] = Field(description="Where that stands in the log; empty for a dry run")


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


@router.put("/v1/organizations/{name:path}", **documented(RegistrationAnswer, refusals=CHANGES))
async def put(name: NamePath, body: RegistrationBody, desk: AtAdministratorsDesk) -> RegistrationAnswer:
    """Registers an organisation with its calendar, or says what it is called from a moment on; the scope is `admin`.

    The same again changes nothing. A calendar in which usage was counted is changed by POST …/calendar only.
    """
    desk.writer.choose(name)
    texts = {"display_name": body.display_name, "plan": body.plan}
    week_start = WEEK_DAYS[body.week_start - 1] if body.week_start else ""
    try:
        wish = organization_wished(name, body.time_zone or "", week_start, texts, None, body.effective_from)
    except InvalidEntry as failure:
        raise InvalidParameter(str(failure)) from None
    made = await desk.register(wish, SOURCE)
    naming, organization = made.naming, made.organization
    return RegistrationAnswer(
        name=organization.name,
        time_zone=organization.time_zone,
        week_start=organization.week_start,
        is_new=made.is_new,
        outcome=naming.outcome if naming else None,
        effective_from=naming.statement.effective_from if naming and naming.statement else None,
    )


@router.post(
    "/v1/organizations/{name:path}/calendar",
    status_code=202,
    **documented(CalendarChangeAnswer, refusals=(401, 403, 404, 409, 413, 422, 503), status=202),
)
async def change_calendar(name: NamePath, body: CalendarBody, desk: AtAdministratorsDesk) -> CalendarChangeAnswer:
    """Changes zone or week start from a local midnight to come; the scope is `admin`. What was counted stays as it is.

    It is stored as a revision before this answers, and in force when the log has told the worker, within seconds.
    Where nothing was used yet, PUT /v1/organizations/NAME gives another calendar at once.
    """
    desk.writer.choose(name)
    if body.time_zone is None and body.week_start is None:
        raise InvalidParameter("time_zone: neither it nor week_start is given; say what is to change")
    try:
        require_name(name)
        if body.time_zone is not None:
            require_time_zone(body.time_zone)
    except InvalidOrganization as problem:
        raise InvalidParameter(str(problem)) from None
    asked = Asked(desk.writer.author, body.note, SOURCE, desk.clock())
    if not await desk.warehouse.ask(Organizations(asked.now, name)):
        message = f"there is no organisation {name!r}; PUT /v1/organizations/NAME registers it"
        raise NotFound(message, code="unknown_organization")
    wish = Calendar(body.time_zone, body.week_start)
    plan, changed = await desk.control.change_calendar(name, wish, body.first_day, asked, dry_run=body.dry_run)
    return CalendarChangeAnswer(
        organization=name,
        effective_from=plan.effective_from,
        before=CalendarAnswer.model_validate(plan.before),
        after=CalendarAnswer.model_validate(plan.after),
        revision=changed.revision.revision if changed else None,
        control_id=changed.revision.control_id if changed else None,
        places=places_of(changed.published) if changed else [],
    )
