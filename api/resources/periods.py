"""GET and POST /v1/periods: days that are closed, and what changed in them since."""

import asyncio
from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from api.converted import Currency, no_rate
from api.documentation import documented
from api.errors import Conflict, NotFound
from api.fields import AnswerModel, Credits, Instant, Money, Usd
from api.parameters import Day, Name, OrganizationParameter
from api.scope import AtDesk
from api.writing_desk import AtAdministratorsDesk
from warehouse.currency.exchange_rate import RatesOf
from warehouse.errors import MissingExchangeRate, PeriodRefused
from warehouse.periods.changes import Cause, ChangedLine, Changes, Sums, explained
from warehouse.periods.closing import close
from warehouse.queries.exchange_rates import RatesInForce
from warehouse.queries.periods import (
    CameLater,
    ClosedPeriod,
    ClosedPeriods,
    CorrectedLater,
    Cut,
    Days,
    ErasedSince,
    UsageNow,
    UsageWhenClosed,
)
from warehouse.queries.usage import EXACT

router = APIRouter(tags=["money"])


class ChangesParameters(BaseModel):
    """How changes are shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: Currency = None


class ClosingBody(BaseModel):
    """Days to close."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    organization: Name | None = Field(
        None, description="Organisation; a key of one organisation may leave it out", examples=["acme"]
    )
    first_day: Day = Field(description="First day in the organisation's calendar", examples=["2026-03-01"])
    last_day: Day = Field(description="Last day, included; it must be over", examples=["2026-03-31"])
    note: str = Field("", max_length=1000, description="Why; kept with the closing", examples=["month-end"])


class PeriodAnswer(AnswerModel):
    """Closed days."""

    period_id: UUID = Field(description="Identity of the closing", examples=["9b0f3c52-6f9c-4a5e-8a0b-0d6d2f7c1e11"])
    organization: str = Field(description="Organisation", examples=["acme"])
    first_day: date = Field(description="First day in the organisation's calendar", examples=["2026-03-01"])
    last_day: date = Field(description="Last day, included", examples=["2026-03-31"])
    closed: Instant = Field(description="When it was closed", examples=["2026-04-03T08:00:00.000Z"])
    author: str = Field(description="Who closed it", examples=["key 0a1b2c3d4e5f"])
    note: str = Field(description="Why", examples=["month-end"])


class PeriodsAnswer(AnswerModel):
    """Closed days of organisations."""

    periods: list[PeriodAnswer] = Field(description="By organisation, the newest days first")


class SumsAnswer(AnswerModel):
    """Usage, or a change of it."""

    requests: int = Field(description="Requests", examples=[1204])
    total_tokens: int = Field(description="All tokens", examples=[2376967])
    cost_usd: Usd = Field(description="Cost (USD, exact)", examples=["9.214000000"])
    billed_usd: Usd = Field(description="Billed amount (USD, exact)", examples=["11.056800000"])
    credits: Credits = Field(description="Credits (exact)", examples=["1204.000000"])


class CauseAnswer(SumsAnswer):
    """A part of a change."""

    cause: Cause = Field(
        description="late: events that came after the closing; amend, void, replace, reprice: control records; "
        "erase, other: what no other cause explains",
        examples=["late"],
    )


class ChangedAnswer(AnswerModel):
    """Usage as it was closed, as it is known now, and why."""

    closed: SumsAnswer = Field(description="When it was closed")
    now: SumsAnswer = Field(description="Now")
    causes: list[CauseAnswer] = Field(description="What was added since, by cause: exactly now minus closed")


class ChangedLineAnswer(ChangedAnswer):
    """One day, provider and model."""

    day: date = Field(description="Day in the organisation's calendar", examples=["2026-03-14"])
    provider: str = Field(description="Provider as sent", examples=["openai"])
    model: str = Field(description="Model as sent", examples=["gpt-4o"])


class ClosedConversionAnswer(AnswerModel):
    """The whole in the currency asked for, each day at its own rate."""

    currency: str = Field(description="The currency (ISO 4217)", examples=["EUR"])
    closed_cost: Money = Field(description="Cost when it was closed", examples=["8.488858200"])
    closed_billed: Money = Field(description="Billed amount when it was closed", examples=["10.186629840"])
    cost: Money = Field(description="Cost now", examples=["8.488858200"])
    billed: Money = Field(description="Billed amount now", examples=["10.186629840"])


class PeriodChangesAnswer(AnswerModel):
    """A closed period and what changed in it."""

    period: PeriodAnswer = Field(description="The closing")
    changed: bool = Field(description="Whether anything changed since", examples=[False])
    whole: ChangedAnswer = Field(description="All of it")
    conversion: ClosedConversionAnswer | None = Field(description="In the currency asked for; null without `currency`")
    lines: list[ChangedLineAnswer] = Field(description="Every day, provider and model, changed or not")


@router.get("/v1/periods", **documented(PeriodsAnswer, refusals=(401, 403, 422, 503)))
async def periods(parameters: Annotated[OrganizationParameter, Query()], desk: AtDesk) -> PeriodsAnswer:
    """Which days are closed, by whom and when."""
    found = await desk.warehouse.ask(ClosedPeriods(desk.reader.choose(parameters.organization)))
    return PeriodsAnswer(periods=[PeriodAnswer.model_validate(each) for each in found])


@router.post(
    "/v1/periods", **documented(PeriodAnswer, refusals=(401, 403, 409, 413, 422, 503), status=201), status_code=201
)
async def close_period(body: ClosingBody, desk: AtAdministratorsDesk) -> PeriodAnswer:
    """Closes days for good: their figures are set down, later changes are shown apart."""
    organization = desk.writer.choose(body.organization)
    try:
        made = await desk.accounts.write(
            lambda client: close(
                client,
                organization,
                body.first_day,
                body.last_day,
                author=desk.writer.author,
                note=body.note,
                now=desk.clock(),
            )
        )
    except PeriodRefused as refusal:
        raise Conflict(str(refusal), code="period_refused") from None
    return PeriodAnswer.model_validate(made)


@router.get("/v1/periods/{period_id}", **documented(PeriodChangesAnswer))
async def period(
    period_id: Annotated[
        UUID, Path(description="Identity of the closing", examples=["9b0f3c52-6f9c-4a5e-8a0b-0d6d2f7c1e11"])
    ],
    parameters: Annotated[ChangesParameters, Query()],
    desk: AtDesk,
) -> PeriodChangesAnswer:
    """Closed days as they were closed and as they are known now, with what changed them."""
    known = await desk.warehouse.ask(ClosedPeriods(desk.reader.organization, str(period_id)))
    if not known:
        raise NotFound("there is no such closing; /v1/periods lists them", code="unknown_period")
    closed = known[0]
    days, cut = Days(closed.organization, closed.first_day, closed.last_day), Cut(closed.applied)
    was, now, late, corrected, erased = await asyncio.gather(
        desk.warehouse.ask(UsageWhenClosed(closed.organization, closed.period_id)),
        desk.warehouse.ask(UsageNow(days)),
        desk.warehouse.ask(CameLater(days, cut)),
        desk.warehouse.ask(CorrectedLater(days, cut, closed.closed)),
        desk.warehouse.ask(ErasedSince(closed.organization, closed.closed)),
    )
    rates = None if parameters.currency is None else await desk.warehouse.ask(RatesInForce(parameters.currency))
    try:
        return changes_answer(closed, explained(was, now, late, corrected, erased=erased), rates)
    except MissingExchangeRate as gap:
        raise no_rate(gap) from None


def changes_answer(closed: ClosedPeriod, found: Changes, rates: RatesOf | None = None) -> PeriodChangesAnswer:
    """Changes as JSON; the command line writes the same. Raises MissingExchangeRate for a day without a rate."""
    return PeriodChangesAnswer(
        period=PeriodAnswer.model_validate(closed),
        changed=bool(found.changed),
        whole=ChangedAnswer.model_validate(_values(found)),
        conversion=None if rates is None else _converted(found, rates),
        lines=[ChangedLineAnswer.model_validate({**_values(line), **line.place._asdict()}) for line in found.lines],
    )


def _values(found: Changes | ChangedLine) -> dict[str, object]:
    return {
        "closed": SumsAnswer.model_validate(found.closed),
        "now": SumsAnswer.model_validate(found.now),
        "causes": [
            CauseAnswer(cause=cause, **SumsAnswer.model_validate(sums).__dict__) for cause, sums in found.causes.items()
        ],
    }


def _converted(found: Changes, rates: RatesOf) -> ClosedConversionAnswer:
    amounts = dict.fromkeys(("closed_cost", "closed_billed", "cost", "billed"), Decimal(0))
    for line in found.lines:
        sides: dict[str, Sums] = {"closed_": line.closed, "": line.now}
        for prefix, sums in sides.items():
            for name, amount in (("cost", sums.cost_usd), ("billed", sums.billed_usd)):
                shown = rates.converted(amount, line.place.day)
                amounts[prefix + name] = EXACT.add(amounts[prefix + name], shown)
    return ClosedConversionAnswer(currency=rates.currency, **amounts)
