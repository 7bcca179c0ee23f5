"""GET /v1/free-usage: executions of the free plan against its daily limit."""

from dataclasses import asdict
from datetime import UTC
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import Field

from api.converted import Currency, RatesAnswer, no_rate
from api.documentation import documented
from api.fields import Answered, AnswerModel, Money, Usd
from api.parameters import Day, OrganizationParameter, Text
from api.resources.timeline import Days
from api.scope import AtDesk
from warehouse.currency.exchange_rate import RatesOf
from warehouse.errors import MissingExchangeRate
from warehouse.queries.exchange_rates import RatesInForce
from warehouse.queries.free_usage import FreeDay, FreeUsage
from warehouse.queries.ranges import Preset, resolved

router = APIRouter(tags=["billing"])
PAGE_MAX = 1000


class FreeUsageParameters(OrganizationParameter):
    """Whose executions, of which days."""

    user_id: Text | None = Field(None, description="Only this user", examples=["u-42"])
    above_limit: bool = Field(False, description="Only users that went beyond their limit", examples=[False])
    first: Day | None = Field(
        None, alias="from", description="First day in UTC, included; default: today", examples=["2026-03-01"]
    )
    last: Day | None = Field(
        None, alias="to", description="Last day in UTC, included; default: today", examples=["2026-03-14"]
    )
    limit: int = Field(100, ge=1, le=PAGE_MAX, description="Rows in one answer", examples=[100])
    offset: int = Field(0, ge=0, le=10_000_000, description="Rows to skip", examples=[0])
    currency: Currency = None


class FreeDayAnswer(AnswerModel):
    """One user's day."""

    organization: str = Field(description="Organisation", examples=["acme"])
    day: str = Field(description="Date in UTC", examples=["2026-03-14"])
    user_id: str = Field(description="User; empty for usage that names none, counted together", examples=["u-42"])
    executions: int = Field(
        description="Executions of the free plan: those that succeeded or used something", examples=[2]
    )
    free_daily_limit: int = Field(description="Executions that the terms of the day allow", examples=[3])
    remaining: int = Field(description="Executions that are left", examples=[1])
    excess: int = Field(description="Executions beyond the limit", examples=[0])
    cost_usd: Usd = Field(
        description="What they cost us, without BYOK; nothing is billed (USD, exact)", examples=["0.001250000"]
    )

    converted_cost: Money | None = Field(
        description="The cost in the currency asked for; null without `currency`", examples=["0.001151625"]
    )

    @classmethod
    def of(cls, found: FreeDay, rates: RatesOf | None) -> Self:
        """The day as text, the rest as it is. Raises MissingExchangeRate for a day with a cost and without a rate."""
        shown = None if rates is None else found.cost_in(rates)
        return cls(**asdict(found) | {"day": found.day.isoformat(), "converted_cost": shown})


class FreeUsageAnswer(Answered):
    """One page of days."""

    days: Days = Field(description="The range asked for, in UTC")
    conversion: RatesAnswer | None = Field(description="The rates that were used; null without `currency`")
    next_offset: int | None = Field(description="offset of the next page; null on the last", examples=[100])
    users: list[FreeDayAnswer] = Field(description="The newest day first, then those with most executions")


@router.get("/v1/free-usage", **documented(FreeUsageAnswer))
async def free_usage(parameters: Annotated[FreeUsageParameters, Query()], desk: AtDesk) -> FreeUsageAnswer:
    """Executions of the free plan by user and UTC day, and what is left of the limit, which starts anew at midnight."""
    scope = await desk.scope(parameters.organization)
    today = scope.now.astimezone(UTC).date()
    asked = parameters.first is not None or parameters.last is not None
    days = resolved(Preset.CUSTOM if asked else Preset.TODAY, today, parameters.first, parameters.last)
    question = FreeUsage(
        scope.organization,
        days.first,
        days.last,
        parameters.user_id,
        parameters.above_limit,
        parameters.limit + 1,
        parameters.offset,
    )
    found = await desk.warehouse.ask(question)
    rates = None if parameters.currency is None else await desk.warehouse.ask(RatesInForce(parameters.currency))
    try:
        users = [FreeDayAnswer.of(each, rates) for each in found[: parameters.limit]]
    except MissingExchangeRate as gap:
        raise no_rate(gap) from None
    return FreeUsageAnswer(
        as_of=scope.as_of,
        organization=scope.organization,
        days=Days(first=days.first.isoformat(), last=days.last.isoformat()),
        conversion=None if rates is None else RatesAnswer.of(rates, days),
        next_offset=parameters.offset + parameters.limit if len(found) > parameters.limit else None,
        users=users,
    )
