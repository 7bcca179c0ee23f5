"""/v1/multipliers/…: how many credits a request of each model counts, who said so, and new multipliers."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from api.documentation import documented
from api.errors import Forbidden, InvalidParameter, NotFound
from api.fields import AnswerModel, Exact, Instant
from api.parameters import OrganizationParameter
from api.resources.control_fields import ID, PublishedPlace
from api.resources.price_fields import ChangeRequest, DatedRequest, places_of
from api.resources.price_revisions import DiffParameters, HistoryAnswer, HistoryParameters, PriceRevisionAnswer
from api.scope import AtDesk, Desk
from api.writing_desk import AtAdministratorsDesk, WritingDesk
from stream_jobs.configuring.change import Asked, Edit
from stream_jobs.configuring.ledger import MULTIPLIERS
from stream_jobs.configuring.said import Owners, Said, SaidRows
from stream_jobs.credits.editing import (
    ChangedMultiplier,
    milli_of,
    multiplier_difference,
    with_multiplier,
    with_multiplier_end,
)
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.multiplier_row import MultiplierRow, tier_of
from stream_jobs.pricing.editing.spellings import Spellings
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.underlying import Entry
from warehouse.control.history import History

router = APIRouter(tags=["multipliers"])
SOURCE = "api"
NAME_MAX = 256
LOOKS = (401, 403, 404, 422, 503)
CHANGES = (401, 403, 409, 413, 422, 503)
MODEL = "Model; empty, with an empty provider: the default of all models that nothing else names"


class ListParameters(OrganizationParameter):
    """Which multipliers, as of which revision."""

    revision: int | None = Field(None, ge=1, description="As of this revision; else the newest", examples=[2])


class MultiplierAnswer(AnswerModel):
    """One multiplier."""

    organization: str = Field(description="Organisation it is for; empty for everyone", examples=[""])
    provider: str = Field(description="Provider; empty: any", examples=["openai"])
    model: str = Field(description="Model; empty: every other one", examples=["gpt-4o"])
    multiplier: Exact | None = Field(
        description="Credits a request; null: it ends, and what is said less specifically holds", examples=["2"]
    )
    tier: str | None = Field(description="economy, standard or premium: follows from it", examples=["premium"])
    effective_from: Instant = Field(description="From when it holds", examples=["1970-01-01T00:00:00.000Z"])
    source: str = Field(description="Where it comes from", examples=["command line"])

    @classmethod
    def of(cls, row: MultiplierRow) -> "MultiplierAnswer":
        """The answer for a row."""
        return cls(**values_of(row))


class SaidMultiplierAnswer(MultiplierAnswer):
    """One multiplier with who said it."""

    author: str = Field(description="Who said it", examples=["key 3f9a0c11d2e4"])
    note: str = Field(description="Why", examples=["contract of March"])
    created: Instant = Field(description="When it was said", examples=["2026-03-14T09:26:53.589Z"])


class MultipliersAnswer(AnswerModel):
    """Multipliers of one state."""

    revision: int = Field(description="As of this revision", examples=[2])
    multipliers: list[SaidMultiplierAnswer] = Field(
        description="Every one with its date: everyone's first, then by organisation; of a model the last begun holds"
    )


class ChangedMultiplierAnswer(AnswerModel):
    """One multiplier that differs."""

    row: MultiplierAnswer = Field(description="What is set or ended; of what is taken away, what there was")
    before: MultiplierAnswer = Field(description="What counts at its date for calls of its name, its own or less so")
    after: MultiplierAnswer = Field(description="What counts there after the change")

    @classmethod
    def of(cls, changed: ChangedMultiplier) -> "ChangedMultiplierAnswer":
        """The answer for a change."""
        row, before, after = map(MultiplierAnswer.of, (changed.row, changed.before, changed.after))
        return cls(row=row, before=before, after=after)


class MultiplierDifferenceAnswer(AnswerModel):
    """What differs between two states."""

    multipliers: list[ChangedMultiplierAnswer] = Field(description="By organisation, provider, model and date")


class MultiplierChangeAnswer(AnswerModel):
    """What became of a change of multipliers."""

    revision: int | None = Field(description="The revision that was stored; null for a dry run", examples=[2])
    control_id: str | None = Field(description="Its control record; null for a dry run", examples=[ID])
    places: list[PublishedPlace] = Field(description="Where that stands in the log; empty for a dry run")
    difference: list[ChangedMultiplierAnswer] = Field(description="What changes")


class ModelRequest(DatedRequest):
    """Which model, and from when."""

    provider: str = Field("", max_length=NAME_MAX, description="Provider; empty: any", examples=["openai"])
    model: str = Field("", max_length=NAME_MAX, description=MODEL, examples=["gpt-4o"])


class SetMultiplierRequest(ModelRequest):
    """How many credits a request counts from a date on."""

    multiplier: str = Field(
        max_length=64, description="Credits a request, 0 to 1000 with at most 3 decimal places", examples=["2"]
    )


@router.get("/v1/multipliers", **documented(MultipliersAnswer, refusals=LOOKS))
async def multipliers(parameters: Annotated[ListParameters, Query()], desk: AtDesk) -> MultipliersAnswer:
    """Multipliers of credits: everyone's and those of organisations, since when, who set them and why."""
    number, said = await _state(desk, parameters.revision, parameters.organization)
    return MultipliersAnswer(
        revision=number,
        multipliers=[
            SaidMultiplierAnswer(**values_of(each.row), author=each.author, note=each.row.note, created=each.created)
            for each in said
        ],
    )


@router.get("/v1/multipliers/diff", **documented(MultiplierDifferenceAnswer, refusals=LOOKS))
async def diff(parameters: Annotated[DiffParameters, Query()], desk: AtDesk) -> MultiplierDifferenceAnswer:
    """What differs between the multipliers as of two revisions."""
    (_, former), (_, latter) = [
        await _state(desk, number, parameters.organization) for number in (parameters.before, parameters.after)
    ]
    found = multiplier_difference((each.row for each in former), (each.row for each in latter))
    return MultiplierDifferenceAnswer(multipliers=[ChangedMultiplierAnswer.of(each) for each in found])


@router.get("/v1/multipliers/history", **documented(HistoryAnswer, refusals=(401, 403, 422, 503)))
async def history(parameters: Annotated[HistoryParameters, Query()], desk: AtDesk) -> HistoryAnswer:
    """Revisions of multipliers and terms, newest first: who made them and why."""
    mine = desk.reader.choose(parameters.organization)
    found = await desk.warehouse.ask(History("multipliers", mine, limit=parameters.limit))
    return HistoryAnswer(revisions=[PriceRevisionAnswer.of(each) for each in found])


@router.post("/v1/multipliers/set", status_code=202, **documented(MultiplierChangeAnswer, refusals=CHANGES, status=202))
async def set_(request: SetMultiplierRequest, desk: AtAdministratorsDesk) -> MultiplierChangeAnswer:
    """Set a multiplier from a date on; needs the scope `admin` for every organisation. Events keep the credits they
    were counted with until they are priced again."""
    try:
        new = _row(request, milli_of(request.multiplier), desk.clock())
    except CreditRulesRefused as problem:
        raise InvalidParameter(str(problem)) from problem
    provider, name = await _known(desk, request)
    known = replace(new, provider=provider, model=name)
    return await changed(desk, request, lambda rows, _: with_multiplier(rows, known))


@router.post(
    "/v1/multipliers/expire", status_code=202, **documented(MultiplierChangeAnswer, refusals=CHANGES, status=202)
)
async def expire(request: ModelRequest, desk: AtAdministratorsDesk) -> MultiplierChangeAnswer:
    """End a multiplier from a date on; what is said of the model less specifically, or for everyone, holds again."""
    try:
        end = _row(request, 0, desk.clock(), ended=True)
    except CreditRulesRefused as problem:
        raise InvalidParameter(str(problem)) from problem
    entry = await _known(desk, request)
    return await changed(desk, request, lambda rows, _: with_multiplier_end(rows, end, entry))


async def changed(desk: WritingDesk, request: ChangeRequest, edit: Edit[MultiplierRow]) -> MultiplierChangeAnswer:
    """Carries an edit out, or only says what it would change. Raises Forbidden with a key of one organization."""
    if desk.writer.organization is not None:
        raise Forbidden("how credits are counted is changed with a key for every organisation only")
    owner = request.organization or ""
    if request.dry_run:
        plan = await desk.control.plan(MULTIPLIERS, owner, edit)
        would = multiplier_difference(plan.rows_before, plan.after, plan.everyones)
        told = [ChangedMultiplierAnswer.of(each) for each in would]
        return MultiplierChangeAnswer(revision=None, control_id=None, places=[], difference=told)
    asked = Asked(desk.writer.author, request.note, SOURCE, desk.clock())
    done = await desk.control.change(MULTIPLIERS, owner, edit, asked)
    published = next((each for each in done.published if each.control_id == done.revision.control_id), None)
    made = multiplier_difference(done.plan.rows_before, done.plan.after, done.plan.everyones)
    return MultiplierChangeAnswer(
        revision=done.revision.revision,
        control_id=done.revision.control_id,
        places=places_of(published) if published else [],
        difference=[ChangedMultiplierAnswer.of(each) for each in made],
    )


def values_of(row: MultiplierRow) -> dict[str, Any]:
    """Fields of the answer for a row."""
    names = ("organization", "provider", "model", "effective_from", "source")
    rate = None if row.ended else Decimal(row.multiplier_milli).scaleb(-3)
    tier = None if row.ended else tier_of(row.multiplier_milli)
    return {name: getattr(row, name) for name in names} | {"multiplier": rate, "tier": tier}


async def _known(desk: WritingDesk, request: ModelRequest) -> Entry:
    """The entry of the price list that a name means, whose multiplier then holds however events write it."""
    if not (request.provider and request.model):
        return request.provider, request.model
    number, owners = await desk.warehouse.ask(Owners("prices", None, request.organization or ""))
    said = await desk.warehouse.ask(SaidRows(PriceRow, owners)) if number else []
    return Spellings(each.row for each in said).priced_as(request.provider, request.model)


def _row(request: ModelRequest, milli: int, now: datetime, *, ended: bool = False) -> MultiplierRow:
    return MultiplierRow(
        request.provider,
        request.model,
        milli,
        SOURCE,
        request.note,
        request.start(now),
        request.organization or "",
        ended=ended,
    )


async def _state(desk: Desk, revision: int | None, organization: str | None) -> tuple[int, list[Said[MultiplierRow]]]:
    """A state's number and rows that the reader may see. Raises NotFound and Forbidden."""
    mine = desk.reader.choose(organization)
    number, owners = await desk.warehouse.ask(Owners("multipliers", revision, mine))
    if not number:
        raise NotFound(
            f"there is no multipliers revision {revision}; /v1/multipliers/history lists them", code="unknown_revision"
        )
    return number, await desk.warehouse.ask(SaidRows(MultiplierRow, owners))
