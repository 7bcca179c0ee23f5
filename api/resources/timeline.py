"""GET /v1/usage/timeline: usage per hour, day, week or month, with its peak and the previous period."""

import asyncio
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from api.axis import BUCKETS_MAX, refuse_too_many, starts
from api.converted import ConversionAnswer, ConvertedFields, Currency, columns, conversion, money_of
from api.documentation import documented
from api.fields import Answered, AnswerModel, Usd, start_text
from api.negotiation import csv_response, wants_csv
from api.parameters import RangeParameters
from api.scope import AtDesk, Desk, Scope
from api.usage_fields import UsageSums
from warehouse.queries.converted import Converted
from warehouse.queries.ranges import DayRange, previous
from warehouse.queries.timeline import Bucket, Granularity, Timeline, Total, peak, zero_filled
from warehouse.queries.usage import Usage, added

router = APIRouter(tags=["usage"])


class TimelineParameters(RangeParameters):
    """What the timeline shows."""

    granularity: Granularity = Field(
        Granularity.DAY,
        description=f"Size of the buckets, of which an answer holds at most {BUCKETS_MAX}",
        examples=["day"],
    )
    compare: bool = Field(False, description="Add the totals of the period before and the change", examples=[True])
    currency: Currency = None


class Days(AnswerModel):
    """Days in the organisation's calendar, both included."""

    first: str = Field(alias="from", description="First day", examples=["2026-03-08"])
    last: str = Field(alias="to", description="Last day", examples=["2026-03-14"])


class BucketStart(AnswerModel):
    """Where a bucket starts."""

    start: str = Field(
        description="Hours: the instant, with the organisation's offset. Days, weeks, months: their first local date",
        examples=["2026-03-14"],
    )


class TimelineBucket(ConvertedFields, UsageSums, BucketStart):
    """One bucket; empty ones are there with zeros."""


class Peak(AnswerModel):
    """The bucket with most requests, the earliest of equals."""

    start: str = Field(description="Start of the bucket", examples=["2026-03-14"])
    requests: int = Field(description="Its requests", examples=[1204])
    cost_usd: Usd = Field(description="Its cost (USD, exact)", examples=["9.214000000"])


class Change(AnswerModel):
    """Growth against the previous period as a ratio: 0.25 is a quarter more; null when that was zero."""

    requests: float | None = Field(description="Of requests", examples=[0.25])
    total_tokens: float | None = Field(description="Of all tokens", examples=[0.19])
    cost_usd: float | None = Field(description="Of the cost", examples=[-0.031])


class Previous(AnswerModel):
    """The period just before, as long as the range; for month the same days of the month before."""

    days: Days = Field(description="Its days")
    total: UsageSums = Field(description="Its sums")
    change: Change = Field(description="Growth from there to the range asked for")


class TimelineAnswer(Answered):
    """Usage over time."""

    time_zone: str = Field(description="Zone of the days and hours", examples=["Europe/Paris"])
    days: Days = Field(description="The range asked for")
    granularity: Granularity = Field(description="Size of the buckets", examples=["day"])
    total: UsageSums = Field(description="Sums of the range: exactly the sums of the buckets")
    conversion: ConversionAnswer | None = Field(description="In the currency asked for; null without `currency`")
    peak: Peak | None = Field(description="The busiest bucket; null when nothing was used")
    previous: Previous | None = Field(description="The period before; null unless compare=true")
    buckets: list[TimelineBucket] = Field(
        description="Oldest first, without gaps. Weeks and months at the ends hold only the days of the range"
    )


@router.get("/v1/usage/timeline", **documented(TimelineAnswer, csv="start,requests,errors\r\n2026-03-14,1204,12\r\n"))
async def timeline(
    request: Request, parameters: Annotated[TimelineParameters, Query()], desk: AtDesk
) -> TimelineAnswer | Response:
    """Usage over time in buckets without gaps, by the organisation's calendar."""
    scope = await desk.scope(parameters.organization)
    days = parameters.days(scope.today)
    refuse_too_many(days, parameters.granularity)
    question = Timeline(parameters.selection(scope.organization, days), parameters.granularity)
    found, before = await asyncio.gather(desk.warehouse.ask(question), _previous(desk, scope, parameters, days))
    buckets = zero_filled(found, starts(days, parameters.granularity, scope.calendar, [b.start for b in found]))
    shown = [_bucket(bucket, scope) for bucket in buckets]
    told = None
    if parameters.currency is not None:
        told, money = await conversion(desk, Converted(parameters.currency, question.money, question.parameters), days)
        shown = [
            each.model_copy(update=money_of(money.parts, bucket.start))
            for each, bucket in zip(shown, buckets, strict=True)
        ]
    if wants_csv(request):
        names = columns(list(TimelineBucket.model_fields), parameters.currency)
        return csv_response(shown, names, scope.as_of, "timeline.csv")
    total = added(bucket.usage for bucket in buckets)
    return TimelineAnswer(
        as_of=scope.as_of,
        organization=scope.organization,
        time_zone=scope.time_zone,
        days=_days(days),
        granularity=parameters.granularity,
        total=UsageSums.model_validate(total),
        conversion=told,
        peak=_peak(buckets, scope),
        previous=_compared(*before, total) if before else None,
        buckets=shown,
    )


async def _previous(
    desk: Desk, scope: Scope, parameters: TimelineParameters, days: DayRange
) -> tuple[DayRange, Usage] | None:
    if not parameters.compare:
        return None
    before = previous(parameters.preset, days)
    return before, await desk.warehouse.ask(Total(parameters.selection(scope.organization, before)))


def _compared(days: DayRange, before: Usage, now: Usage) -> Previous:
    change = Change(
        requests=_growth(before.requests, now.requests),
        total_tokens=_growth(before.total_tokens, now.total_tokens),
        cost_usd=_growth(before.cost_usd, now.cost_usd),
    )
    return Previous(days=_days(days), total=UsageSums.model_validate(before), change=change)


def _growth(before: Decimal | int, now: Decimal | int) -> float | None:
    return round(float(Decimal(now - before) / Decimal(before)), 6) if before else None


def _peak(buckets: list[Bucket], scope: Scope) -> Peak | None:
    highest = peak(buckets)
    if highest is None:
        return None
    shown = _bucket(highest, scope)
    return Peak(start=shown.start, requests=shown.requests, cost_usd=shown.cost_usd)


def _bucket(bucket: Bucket, scope: Scope) -> TimelineBucket:
    sums = {name: getattr(bucket.usage, name) for name in UsageSums.model_fields}
    return TimelineBucket(start=start_text(scope.local(bucket.start)), **sums)


def _days(days: DayRange) -> Days:
    return Days(first=days.first.isoformat(), last=days.last.isoformat())
