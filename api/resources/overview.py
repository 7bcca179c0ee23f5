"""GET /v1/overview: the numbers of a first look."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from api.axis import starts
from api.converted import Currency, conversion
from api.documentation import documented
from api.fields import Answered, AnswerModel, Instant, Money, Usd
from api.parameters import OrganizationParameter
from api.scope import AtDesk, Desk
from warehouse.queries.converted import NO_MONEY, Converted, ConvertedParts
from warehouse.queries.events import Event, EventFilter, LatestEvents
from warehouse.queries.overview import OverviewTotals, PromptCount, Totals
from warehouse.queries.ranges import FIRST_DAY, LAST_DAY, DayRange
from warehouse.queries.selection import Selection
from warehouse.queries.timeline import Bucket, Granularity, Timeline, zero_filled
from warehouse.queries.usage import EXACT

router = APIRouter(tags=["usage"])
RECENT_DAYS = 7
RECENT_EXECUTIONS = 10


class OverviewParameters(OrganizationParameter):
    """Whose numbers, and in which currency too."""

    currency: Currency = None


class TopModel(AnswerModel):
    """The model used most often."""

    model: str = Field(description="Its name as sent; the first by name of equals", examples=["gpt-4o"])
    requests: int = Field(description="Its executions, all time", examples=[90211])


class CostTotals(AnswerModel):
    """Cost (USD, exact)."""

    all_time: Usd = Field(description="Since the first event", examples=["1204.118230000"])
    month: Usd = Field(description="This month", examples=["97.420000000"])


class ConvertedTotals(AnswerModel):
    """Cost in the currency asked for, each day at its own exchange rate."""

    currency: str = Field(description="The currency (ISO 4217)", examples=["EUR"])
    all_time: Money = Field(description="Since the first event", examples=["1109.354125300"])
    month: Money = Field(description="This month", examples=["89.753046000"])


class TokenTotals(AnswerModel):
    """All tokens."""

    all_time: int = Field(description="Since the first event", examples=[310422118])
    month: int = Field(description="This month", examples=[24110900])


class RecentDay(AnswerModel):
    """One of the last days."""

    day: str = Field(description="Local date", examples=["2026-03-14"])
    executions: int = Field(description="Executions", examples=[1204])
    cost_usd: Usd = Field(description="Cost (USD, exact)", examples=["9.214000000"])
    converted_cost: Money | None = Field(
        None, description="Cost in the currency asked for; null without `currency`", examples=["8.488858200"]
    )


class Execution(AnswerModel):
    """One of the last executions."""

    event_id: str = Field(description="Identity of the event", examples=["019cf00d-5b1e-7c3a-9d55-0242ac120002"])
    time: Instant = Field(description="When the call happened", examples=["2026-03-14T09:26:53.118Z"])
    organization: str = Field(description="Organisation", examples=["acme"])
    prompt_name: str = Field(description="Name of the prompt; empty when unknown", examples=["Summarise a ticket"])
    status: str = Field(description="success, error or cancelled", examples=["success"])
    duration_ms: int | None = Field(description="Response time (ms); null when unknown", examples=[1830])
    cost_usd: Usd = Field(description="Cost (USD, exact)", examples=["0.007650000"])
    model: str = Field(description="Model as sent", examples=["gpt-4o"])


class OverviewAnswer(Answered):
    """The numbers of a first look."""

    time_zone: str = Field(description="Zone of the days and of the month", examples=["Europe/Paris"])
    month: str = Field(description="First day of this month", examples=["2026-03-01"])
    total_prompts: int = Field(
        description="Different prompts that were used or are active in the directory", examples=[42]
    )
    executions: int = Field(description="Executions (requests), all time", examples=[120411])
    average_latency_ms: float | None = Field(
        description="Mean response time of all executions that carry one (ms); null when none does", examples=[1422.5]
    )
    most_used_model: TopModel | None = Field(description="Null when no execution named a model")
    cost_usd: CostTotals = Field(description="Cost")
    converted_cost: ConvertedTotals | None = Field(
        description="Cost in the currency asked for; null without `currency`"
    )
    total_tokens: TokenTotals = Field(description="Tokens")
    last_7_days: list[RecentDay] = Field(description="Seven days ending today, oldest first, empty ones included")
    last_executions: list[Execution] = Field(description="The last ten, newest first")


@router.get("/v1/overview", **documented(OverviewAnswer))
async def overview(parameters: Annotated[OverviewParameters, Query()], desk: AtDesk) -> OverviewAnswer:
    """Totals, this month, the last seven days and the last ten executions."""
    scope = await desk.scope(parameters.organization)
    name, ask = scope.organization, desk.warehouse.ask
    month = scope.today.replace(day=1)
    week = DayRange(scope.today - timedelta(days=RECENT_DAYS - 1), scope.today)
    totals, prompts, days, events = await asyncio.gather(
        ask(OverviewTotals(name, month)),
        ask(PromptCount(name)),
        ask(Timeline(Selection(name, week.first, week.last), Granularity.DAY)),
        ask(LatestEvents(EventFilter(Selection(name)), RECENT_EXECUTIONS)),
    )
    recent = zero_filled(days, starts(week, Granularity.DAY, scope.calendar))
    average = totals.average_duration_ms
    money = None if parameters.currency is None else await _converted(desk, parameters.currency, name)
    return OverviewAnswer(
        as_of=scope.as_of,
        organization=name,
        time_zone=scope.time_zone,
        month=month.isoformat(),
        total_prompts=prompts,
        executions=totals.requests,
        average_latency_ms=None if average is None else round(average, 3),
        most_used_model=_top_model(totals),
        cost_usd=CostTotals(all_time=totals.cost_usd, month=totals.month_cost_usd),
        converted_cost=None if money is None else _totals_in(money, parameters.currency or "", month),
        total_tokens=TokenTotals(all_time=totals.total_tokens, month=totals.month_total_tokens),
        last_7_days=[_day(bucket, money) for bucket in recent],
        last_executions=[_execution(event) for event in events],
    )


def _top_model(totals: Totals) -> TopModel | None:
    return TopModel(model=totals.top_model, requests=totals.top_model_requests) if totals.top_model else None


async def _converted(desk: Desk, currency: str, organization: str | None) -> ConvertedParts:
    """Money by local day, of all time."""
    days = Timeline(Selection(organization), Granularity.DAY)
    _, parts = await conversion(desk, Converted(currency, days.money, days.parameters), DayRange(FIRST_DAY, LAST_DAY))
    return parts


def _totals_in(money: ConvertedParts, currency: str, month: date) -> ConvertedTotals:
    this_month = Decimal(0)
    for day, part in money.parts.items():
        if isinstance(day, date) and day.replace(day=1) == month:
            this_month = EXACT.add(this_month, part.cost)
    return ConvertedTotals(currency=currency, all_time=money.whole.cost, month=this_month)


def _day(bucket: Bucket, money: ConvertedParts | None) -> RecentDay:
    cost = None if money is None else money.parts.get(bucket.start, NO_MONEY).cost
    return RecentDay(
        day=bucket.start.isoformat(),
        executions=bucket.usage.requests,
        cost_usd=bucket.usage.cost_usd,
        converted_cost=cost,
    )


def _execution(event: Event) -> Execution:
    return Execution(
        event_id=str(event.event_id),
        time=event.time,
        organization=event.organization,
        prompt_name=event.prompt_name,
        status=event.status,
        duration_ms=event.duration_ms,
        cost_usd=event.cost_usd,
        model=event.model,
    )
