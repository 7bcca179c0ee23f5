"""/v1/terms: how credits are counted and what is billed, by date; who set what when; changes from a date on."""

from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field

from api.documentation import documented
from api.errors import Forbidden
from api.fields import Answered, AnswerModel, Exact, Instant, exact_text
from api.parameters import OrganizationParameter
from api.resources.control_fields import ID, PublishedPlace
from api.resources.price_fields import DatedRequest, places_of
from api.scope import AtDesk
from api.writing_desk import AtAdministratorsDesk
from stream_jobs.configuring.change import Asked
from stream_jobs.credits.terms import Basis, Rounding
from stream_jobs.credits.terms_change import ChangedTerms, TermsChange
from stream_jobs.pricing.exact_number import exact_number
from warehouse.queries.terms import AgreedTerms, BillingTerms, TermsHistory

router = APIRouter(tags=["billing"])
PAGE_MAX = 1000
SOURCE = "api"
CHANGES = (401, 403, 409, 413, 422, 503)


class TermsHistoryParameters(OrganizationParameter):
    """Whose terms, and which page."""

    limit: int = Field(100, ge=1, le=PAGE_MAX, description="Rows in one answer", examples=[100])
    offset: int = Field(0, ge=0, le=1_000_000, description="Rows to skip", examples=[0])


class TermsSaid(AnswerModel):
    """What terms say, and who said it."""

    organization: str = Field(
        description="Whose terms; empty: the default of all that have none of their own at that time", examples=["acme"]
    )
    effective_from: Instant = Field(description="From when they hold", examples=["2026-03-01T00:00:00.000Z"])
    basis: str = Field(
        description="What credits count: request (its model's multiplier), cost (credits_per_usd) or tokens "
        "(multipliers are credits per 1,000 tokens)",
        examples=["cost"],
    )
    credits_per_usd: Exact = Field(description="Credits per USD of cost, for the basis cost", examples=["1000"])
    rounding: str = Field(
        description="exact: millionths of a credit; up: whole credits, each event rounded up", examples=["exact"]
    )
    markup: Exact = Field(description="Share on top of the cost of what is billed: 0.2 is 20 %", examples=["0.2"])
    free_daily_limit: int = Field(
        description="Executions of a user of the free plan between two UTC midnights", examples=[3]
    )
    revision: int = Field(description="Revision of the multipliers that says so; 0: as shipped", examples=[2])
    author: str = Field(description="Who set them", examples=["ada"])
    note: str = Field(description="Why", examples=["contract of March"])
    source: str = Field(description="How they came", examples=["command line"])
    created: Instant = Field(description="When they were set", examples=["2026-02-20T09:26:53.589Z"])


class TermsAnswer(TermsSaid):
    """Terms of one owner from one date on."""

    effective_to: Instant | None = Field(
        description="Until when, excluded; null: for good", examples=["2026-09-01T00:00:00.000Z"]
    )
    in_force: bool = Field(
        description="Whether they are those of their owner now; the default counts where an organisation has none",
        examples=[True],
    )


class AllTermsAnswer(Answered):
    """The terms of an organisation, or of everybody."""

    terms: list[TermsAnswer] = Field(description="The default first, then by organisation and date")


class TermsHistoryAnswer(Answered):
    """One page of what was set."""

    next_offset: int | None = Field(description="offset of the next page; null on the last", examples=[100])
    terms: list[TermsSaid] = Field(description="What was set last first; revision: the first that says so")


def _written(value: object) -> object:
    """Refuses texts that only Python takes for numbers (1_0), and numbers beyond all bounds."""
    if isinstance(value, str) and exact_number(value) is None:
        raise ValueError("write a number like 1000 or 0.5")
    return value


class TermsRequest(DatedRequest):
    """Terms from a date on; what is left out stays as it is at that date."""

    basis: Basis | None = Field(None, description="What credits count", examples=["cost"])
    credits_per_usd: Annotated[Decimal, BeforeValidator(_written)] | None = Field(
        None, description="Credits per USD of cost, for the basis cost; a decimal string", examples=["1000"]
    )
    rounding: Rounding | None = Field(None, description="exact, or up to whole credits each event", examples=["exact"])
    markup_ppm: int | None = Field(
        None, description="Millionths on top of the cost of what is billed: 200000 is 20 %", examples=[200_000]
    )
    free_daily_limit: int | None = Field(
        None, description="Executions of a user of the free plan between two UTC midnights", examples=[3]
    )


class TermsDifferenceAnswer(AnswerModel):
    """One thing that becomes different."""

    what: str = Field(description="Which of the terms", examples=["basis"])
    before: str = Field(description="As it is at that date", examples=["request"])
    after: str = Field(description="As it becomes", examples=["cost"])


class TermsChangeAnswer(AnswerModel):
    """What became of a change."""

    revision: int | None = Field(description="Revision of the multipliers; null for a dry run", examples=[3])
    control_id: str | None = Field(description="Its control record; null for a dry run", examples=[ID])
    places: list[PublishedPlace] = Field(description="Where that stands in the log; empty for a dry run")
    differences: list[TermsDifferenceAnswer] = Field(description="What becomes different")


@router.post("/v1/terms", status_code=202, **documented(TermsChangeAnswer, refusals=CHANGES, status=202))
async def set_(request: TermsRequest, desk: AtAdministratorsDesk) -> TermsChangeAnswer:
    """Change terms from a date on; needs the scope `admin` for every organisation. Usage before it keeps its credits
    and its bill. It is stored as a new revision before this answers, and in force within seconds."""
    if desk.writer.organization is not None:
        raise Forbidden("terms are changed with a key for every organisation only")
    now = desk.clock()
    change = TermsChange(
        request.basis, request.credits_per_usd, request.rounding, request.markup_ppm, request.free_daily_limit
    )
    asked = Asked(desk.writer.author, request.note, SOURCE, now)
    owner, start = request.organization or "", request.start(now)
    made, agreed = await desk.control.agree(owner, start, change, asked, dry_run=request.dry_run)
    if agreed is None:
        return TermsChangeAnswer(revision=None, control_id=None, places=[], differences=_differences(made))
    revision = agreed.revision
    published = next((each for each in agreed.published if each.control_id == revision.control_id), None)
    return TermsChangeAnswer(
        revision=revision.revision,
        control_id=revision.control_id,
        places=places_of(published) if published else [],
        differences=_differences(made),
    )


@router.get("/v1/terms", **documented(AllTermsAnswer))
async def terms(parameters: Annotated[OrganizationParameter, Query()], desk: AtDesk) -> AllTermsAnswer:
    """The default terms and those of the organisation, by date."""
    scope = await desk.scope(parameters.organization)
    found = await desk.warehouse.ask(BillingTerms(scope.organization))
    return AllTermsAnswer(
        as_of=scope.as_of,
        organization=scope.organization,
        terms=[
            TermsAnswer(**_said(each), effective_to=each.effective_to, in_force=each.holds_at(scope.now))
            for each in found
        ],
    )


@router.get("/v1/terms/history", **documented(TermsHistoryAnswer))
async def history(parameters: Annotated[TermsHistoryParameters, Query()], desk: AtDesk) -> TermsHistoryAnswer:
    """Everything that was ever set for the organisation: nothing is overwritten."""
    scope = await desk.scope(parameters.organization)
    question = TermsHistory(scope.organization, parameters.limit + 1, parameters.offset)
    found = await desk.warehouse.ask(question)
    return TermsHistoryAnswer(
        as_of=scope.as_of,
        organization=scope.organization,
        next_offset=parameters.offset + parameters.limit if len(found) > parameters.limit else None,
        terms=[TermsSaid(**_said(each)) for each in found[: parameters.limit]],
    )


def _said(found: AgreedTerms) -> dict[str, Any]:
    return {name: getattr(found, name) for name in TermsSaid.model_fields}


def _differences(made: ChangedTerms) -> list[TermsDifferenceAnswer]:
    def text(value: object) -> str:
        return exact_text(value) if isinstance(value, Decimal) else str(value)

    return [
        TermsDifferenceAnswer(what=what, before=text(before), after=text(after))
        for what, before, after in made.differences
    ]
