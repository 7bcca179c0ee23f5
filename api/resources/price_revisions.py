"""/v1/prices/…: every price of a model with who said it, what differs between revisions, and new revisions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.documentation import documented
from api.errors import Forbidden, InvalidParameter, NotFound
from api.fields import AnswerModel, Instant
from api.parameters import Name, OrganizationParameter, Text
from api.resources.price_fields import (
    ChangeAnswer,
    ChangeRequest,
    DatedRequest,
    PriceDifferenceAnswer,
    SaidPriceAnswer,
    places_of,
)
from api.scope import AtDesk, Desk
from api.writing_desk import AtAdministratorsDesk, WritingDesk
from stream_jobs.configuring.change import Asked, Edit
from stream_jobs.configuring.ledger import PRICES
from stream_jobs.configuring.said import Owners, SaidOfModel, SaidRows
from stream_jobs.configuring.state import REVISIONS_MAX, StateRows, Step, steps
from stream_jobs.pricing.editing.difference import PriceDifference, difference
from stream_jobs.pricing.editing.price import NewPrice, with_end, with_price
from stream_jobs.pricing.editing.rate import read_rate
from stream_jobs.pricing.editing.spellings import Spellings
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.underlying import Entry
from tokentally.fields import ServiceTier
from warehouse.control.history import History, StoredRevision
from warehouse.queries.unpriced import UnpricedModels

router = APIRouter(tags=["prices"])
SOURCE = "api"
RATES_MAX = 200
CHANGES = (401, 403, 409, 413, 422, 503)
LOOKS = (401, 403, 404, 422, 503)


def _time_of_day(text: str) -> str:
    try:
        return datetime.strptime(text, "%H:%M:%S" if text.count(":") == 2 else "%H:%M").strftime("%H:%M:%S")  # noqa: DTZ007 - a time of day
    except ValueError:
        raise ValueError("write a time of day in UTC, like 16:30 or 16:30:00") from None


TimeOfDay = Annotated[str, AfterValidator(lambda text: _time_of_day(text) if text else "")]
"""HH:MM:SS; empty for none."""


class ModelParameters(OrganizationParameter):
    """Which model, as of which revision."""

    provider: Text = Field(description="Provider in the catalogue", examples=["openai"])
    model: Text = Field(description="Model in the catalogue", examples=["gpt-4o"])
    revision: int | None = Field(None, ge=1, description="As of this revision; else the newest", examples=[2])


class DiffParameters(OrganizationParameter):
    """Which revisions."""

    before: int = Field(ge=1, description="Revision", examples=[1])
    after: int = Field(ge=1, description="Revision", examples=[2])


class HistoryParameters(OrganizationParameter):
    """Which revisions: all, or those that changed one model."""

    provider: Text | None = Field(None, description="Only what changed this provider's `model`", examples=["openai"])
    model: Text | None = Field(None, description="Only what changed this model of `provider`", examples=["gpt-4o"])
    limit: int = Field(100, ge=1, le=1000, description="Revisions in one answer", examples=[20])


class MissingParameters(OrganizationParameter):
    """Which usage."""

    days: int = Field(30, ge=1, le=3650, description="Usage of so many days until now", examples=[30])
    limit: int = Field(100, ge=1, le=1000, description="Models in one answer", examples=[20])


class ModelAnswer(AnswerModel):
    """Every price of one model."""

    revision: int = Field(description="As of this revision", examples=[2])
    match: str = Field(
        description="Rule (JSON) that finds the model from what events carry; empty: its name",
        examples=['{"model":{"equals":"gpt-4o"}}'],
    )
    display_name: str = Field(description="Name for people", examples=["GPT-4o"])
    prices: list[SaidPriceAnswer] = Field(description="By precedence: of those that hold at a time the last counts")


class PriceRevisionAnswer(AnswerModel):
    """One revision."""

    revision: int = Field(description="Number; one counter for everyone's and every organisation's", examples=[2])
    organization: str = Field(description="Organisation whose rows it has; empty for everyone", examples=[""])
    author: str = Field(description="Who made it", examples=["ada"])
    note: str = Field(description="Why", examples=["contract of March"])
    source: str = Field(description="Where it comes from", examples=["command line"])
    created: Instant = Field(description="When it was made", examples=["2026-03-14T09:26:53.589Z"])
    partitions: int = Field(description="Log partitions in which it came into force by a record", examples=[8])
    difference: PriceDifferenceAnswer | None = Field(description="What it changed of the model that was asked for")

    @classmethod
    def of(cls, stored: StoredRevision, changed: PriceDifference | None = None) -> "PriceRevisionAnswer":
        """The answer for a revision. changed: of one model."""
        names = ("revision", "organization", "author", "note", "source", "created")
        found = None if changed is None else PriceDifferenceAnswer.of(changed)
        said = {name: getattr(stored, name) for name in names}
        return cls(**said, partitions=len(stored.switches), difference=found)


class HistoryAnswer(AnswerModel):
    """Revisions."""

    revisions: list[PriceRevisionAnswer] = Field(description="Newest first")


class MissingModelAnswer(AnswerModel):
    """Usage of one model that has no price, or only in part."""

    organization: str = Field(description="Whose usage", examples=["acme"])
    provider: str = Field(description="Provider as events write it", examples=["maker"])
    model: str = Field(description="Model as events write it", examples=["large-preview"])
    status: str = Field(
        description="unpriced; partial: a part of the usage has no price; reported: the provider said what it cost",
        examples=["unpriced"],
    )
    requests: int = Field(description="Requests", examples=[12])
    input_tokens: int = Field(description="All input tokens", examples=[14400])
    output_tokens: int = Field(description="All output tokens", examples=[4200])
    first: Instant = Field(description="First of these calls", examples=["2026-03-14T09:26:53.589Z"])
    last: Instant = Field(description="Last of these calls", examples=["2026-03-14T09:26:53.589Z"])
    example_event_id: UUID = Field(
        description="The last of them; GET /v1/events/{event_id}/explanation names the units without a price",
        examples=["2f9c3c3e-5b0a-5c0e-8f47-0a1b2c3d4e5f"],
    )


class MissingAnswer(AnswerModel):
    """Models without a price."""

    models: list[MissingModelAnswer] = Field(description="The most used first")


class RateRequest(BaseModel):
    """One price."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: str = Field(pattern=r"^[a-z0-9_]+$", max_length=64, description="Unit", examples=["input_mtok"])
    price_usd: str = Field(max_length=64, description="USD for as many units as it counts, exact", examples=["2.5"])
    tier_start: int = Field(0, ge=0, le=10**12, description="For calls of more input tokens than this", examples=[0])
    marginal: bool = Field(False, description="Only for what the call uses of the unit above that", examples=[False])

    @property
    def text(self) -> str:
        """As people write it."""
        return f"{self.unit}@{'+' * self.marginal}{self.tier_start}={self.price_usd}"


class SetRequest(DatedRequest):
    """What a model costs from a date on; prices that are not named go on."""

    provider: Name = Field(description="Provider in the catalogue", examples=["openai"])
    model: Name = Field(description="Model in the catalogue, `*`: every other one", examples=["gpt-4o"])
    rates: list[RateRequest] = Field([], max_length=RATES_MAX, description="Prices, each unit and tier once")
    service_tier: ServiceTier = Field("", description="Only for calls served so; empty: the usual", examples=["batch"])
    free: bool = Field(False, description="It costs nothing; then without rates", examples=[False])
    only: bool = Field(False, description="Prices that are not named end, those of service tiers too", examples=[False])
    display_name: str = Field("", max_length=256, description="Name for people", examples=["GPT-4o"])
    daily_from: TimeOfDay = Field("", description="Only from this time of day on (UTC)", examples=["16:30"])
    daily_to: TimeOfDay = Field("", description="Until then; before daily_from across midnight", examples=["00:30"])
    match: str = Field(
        "",
        max_length=10_000,
        description="Rule (JSON) that finds a model that is new; left out: its name does",
        examples=['{"model": {"starts_with": "gpt-4o"}}'],
    )


class ExpireRequest(DatedRequest):
    """From when a model has no price; an organisation's own: from when it costs what it costs everyone."""

    provider: Name = Field(description="Provider in the catalogue", examples=["openai"])
    model: Name = Field(description="Model in the catalogue", examples=["gpt-4o"])


@router.get("/v1/prices/model", **documented(ModelAnswer, refusals=LOOKS))
async def model(parameters: Annotated[ModelParameters, Query()], desk: AtDesk) -> ModelAnswer:
    """Every price of one model: since when, from which source, who set it and why."""
    asked = parameters.provider, parameters.model
    state = await state_of(desk, parameters.revision, parameters.organization, *asked)
    if not state.said and (entry := await _known(desk, parameters, *asked, parameters.revision)) != asked:
        state = await state_of(desk, parameters.revision, parameters.organization, *entry)
    said = state.said
    if not said:
        raise NotFound(
            f"{parameters.provider}/{parameters.model} has no price in revision {state.state}; /v1/prices lists what"
            " has one"
        )
    return ModelAnswer(
        revision=state.state,
        match=said[0].row.match,
        display_name=said[0].row.display_name,
        prices=[SaidPriceAnswer.said(each) for each in said],
    )


@router.get("/v1/prices/diff", **documented(PriceDifferenceAnswer, refusals=LOOKS))
async def diff(parameters: Annotated[DiffParameters, Query()], desk: AtDesk) -> PriceDifferenceAnswer:
    """What differs between the prices as of two revisions."""
    former, latter = [
        await state_of(desk, number, parameters.organization) for number in (parameters.before, parameters.after)
    ]
    return PriceDifferenceAnswer.of(difference(former.rows, latter.rows))


@router.get("/v1/prices/history", **documented(HistoryAnswer, refusals=(401, 403, 422, 503)))
async def history(parameters: Annotated[HistoryParameters, Query()], desk: AtDesk) -> HistoryAnswer:
    """Revisions, newest first: who made them, why, and in how many log partitions they came into force.

    With a provider and model those that changed its prices, for everyone and for the organisation, and what they
    changed."""
    mine = desk.reader.choose(parameters.organization)
    if parameters.provider is None and parameters.model is None:
        found = await desk.warehouse.ask(History("prices", mine, limit=parameters.limit))
        return HistoryAnswer(revisions=[PriceRevisionAnswer.of(each) for each in found])
    if parameters.provider is None or parameters.model is None:
        raise InvalidParameter("provider, model: name both, or neither")
    made = await _steps(desk, mine, parameters.provider, parameters.model)
    asked = parameters.provider, parameters.model
    if not made and (entry := await _known(desk, parameters, *asked)) != asked:
        made = await _steps(desk, mine, *entry)
    return HistoryAnswer(
        revisions=[
            PriceRevisionAnswer.of(step.revision, difference(step.before, step.after))
            for step in made[: parameters.limit]
        ]
    )


async def _steps(desk: Desk, mine: str | None, provider: str, model: str) -> list[Step[PriceRow]]:
    """The revisions that changed a model's prices, for everyone and for an organisation, newest first."""
    made: list[Step[PriceRow]] = []
    for owner in dict.fromkeys(("", mine or "")):
        revisions = await desk.warehouse.ask(History("prices", owner, limit=REVISIONS_MAX))
        said = await desk.warehouse.ask(SaidOfModel(PriceRow, owner, provider, model))
        made += steps(PRICES, [(each, said.get(each.revision, [])) for each in revisions])
    return sorted(made, key=lambda step: -step.revision.revision)


async def _known(
    desk: Desk, parameters: OrganizationParameter, provider: str, model: str, revision: int | None = None
) -> Entry:
    """Provider and model as a state's rows have them."""
    state = await state_of(desk, revision, parameters.organization, may_be_none=True)
    return Spellings(state.rows).entry(provider, model)


@router.get("/v1/prices/missing", **documented(MissingAnswer, refusals=(401, 403, 422, 503)))
async def missing(parameters: Annotated[MissingParameters, Query()], desk: AtDesk) -> MissingAnswer:
    """Models whose usage has no price, or only in part, with their volumes."""
    mine = desk.reader.choose(parameters.organization)
    found = await desk.warehouse.ask(UnpricedModels(mine, parameters.days, parameters.limit))
    return MissingAnswer(models=[MissingModelAnswer.model_validate(each) for each in found])


@router.post("/v1/prices/set", status_code=202, **documented(ChangeAnswer, refusals=CHANGES, status=202))
async def set_(request: SetRequest, desk: AtAdministratorsDesk) -> ChangeAnswer:
    """Set prices of a model from a date on; needs the scope `admin` for every organisation. Usage before it keeps its
    price. It is stored as a new revision before this answers, and in force within seconds."""
    try:
        rates = tuple(read_rate(each.text) for each in request.rates)
    except PriceListRefused as problem:
        raise InvalidParameter(f"rates: {problem}") from problem
    price = NewPrice(
        request.provider,
        request.model,
        rates,
        request.start(desk.clock()),
        SOURCE,
        request.organization or "",
        daily_from=request.daily_from,
        daily_to=request.daily_to,
        display_name=request.display_name,
        match=request.match,
        only=request.only,
        service_tier=request.service_tier,
        free=request.free,
    )
    return await changed(
        desk, request, lambda rows, everyones: with_price(rows, price, everyones if request.organization else ())
    )


@router.post("/v1/prices/expire", status_code=202, **documented(ChangeAnswer, refusals=CHANGES, status=202))
async def expire(request: ExpireRequest, desk: AtAdministratorsDesk) -> ChangeAnswer:
    """End the price of a model from a date on; needs the scope `admin` for every organisation."""
    start, owner = request.start(desk.clock()), request.organization or ""
    return await changed(
        desk,
        request,
        lambda rows, everyones: with_end(rows, owner, request.provider, request.model, start, SOURCE, everyones),
    )


async def changed(
    desk: WritingDesk, request: ChangeRequest, edit: Edit[PriceRow], source: str = SOURCE, notes: tuple[str, ...] = ()
) -> ChangeAnswer:
    """Carries an edit out, or only says what it would change. Raises Forbidden with a key of one organization."""
    if desk.writer.organization is not None:
        raise Forbidden("what usage costs is changed with a key for every organisation only")
    owner = request.organization or ""
    if request.dry_run:
        plan = await desk.control.plan(PRICES, owner, edit)
        found = PriceDifferenceAnswer.of(difference(plan.rows_before, plan.after, plan.everyones))
        return ChangeAnswer(revision=None, control_id=None, places=[], notes=list(notes), difference=found)
    asked = Asked(desk.writer.author, request.note, source, desk.clock())
    done = await desk.control.change(PRICES, owner, edit, asked)
    published = next((each for each in done.published if each.control_id == done.revision.control_id), None)
    return ChangeAnswer(
        revision=done.revision.revision,
        control_id=done.revision.control_id,
        places=places_of(published) if published else [],
        notes=list(notes),
        difference=PriceDifferenceAnswer.of(difference(done.plan.rows_before, done.plan.after, done.plan.everyones)),
    )


async def state_of(
    desk: Desk,
    revision: int | None,
    organization: str | None,
    provider: str | None = None,
    model: str | None = None,
    *,
    may_be_none: bool = False,
) -> StateRows[PriceRow]:
    """A state's rows that the reader may see. may_be_none: no rows, and 0, before the first revision.

    Raises NotFound and Forbidden.
    """
    mine = desk.reader.choose(organization)
    number, owners = await desk.warehouse.ask(Owners("prices", revision, mine))
    if not number and revision is None and may_be_none:
        return StateRows(0, {}, [])
    if not number:
        raise NotFound(
            f"there is no prices revision {revision}; /v1/prices/history lists them", code="unknown_revision"
        )
    return StateRows(number, owners, await desk.warehouse.ask(SaidRows(PriceRow, owners, provider, model)))
