"""GET /v1/usage/breakdown: usage by the values of one dimension."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from api.converted import ConversionAnswer, ConvertedFields, Currency, columns, conversion, money_of
from api.documentation import documented
from api.fields import Answered, AnswerModel, Credits, Usd
from api.negotiation import csv_response, wants_csv
from api.parameters import RangeParameters
from api.resources.timeline import Days
from api.scope import AtDesk, Desk, Scope
from warehouse.queries.breakdown import BREAKDOWN_DIMENSIONS, Breakdown, Order, Part
from warehouse.queries.converted import Converted
from warehouse.queries.directory import NAMED_DIMENSIONS, DisplayNames

router = APIRouter(tags=["usage"])
PAGE_MAX = 1000
NANO = Decimal("1e-9")
NAMES_AT_ONCE = 200
"""Values in one question: they travel in its address, which a server limits to a megabyte."""
WIDE = Context(prec=76, rounding=ROUND_HALF_EVEN)

Dimension = StrEnum("Dimension", {name.upper(): name for name in BREAKDOWN_DIMENSIONS})  # type: ignore[misc]


class BreakdownParameters(RangeParameters):
    """What is broken down, and which page."""

    by: Dimension = Field(
        description="The dimension. prompt_id and category can be combined with provider and model only, "
        "thread_id with no other dimension",
        examples=["model"],
    )
    order: Order = Field(Order.COST, description="Sorted by, highest first; equal ones by name", examples=["cost_usd"])
    limit: int = Field(100, ge=1, le=PAGE_MAX, description="Values in one answer", examples=[20])
    offset: int = Field(0, ge=0, le=10_000_000, description="Values to skip", examples=[0])
    currency: Currency = None


class PartSums(AnswerModel):
    """Sums of some requests."""

    requests: int = Field(description="Requests", examples=[1204])
    errors: int = Field(description="Requests that did not succeed", examples=[12])
    total_input_tokens: int = Field(description="All input tokens", examples=[1924729])
    total_output_tokens: int = Field(description="All output tokens", examples=[452238])
    total_tokens: int = Field(description="All tokens", examples=[2376967])
    cost_usd: Usd = Field(description="Cost at the provider's prices (USD, exact)", examples=["9.214000000"])
    billed_usd: Usd = Field(description="Amount billed to the customer (USD, exact)", examples=["11.056800000"])
    credits: Credits = Field(description="Credits (exact)", examples=["1204.000000"])
    top_model: str = Field(description="Model with most requests; empty when unknown", examples=["gpt-4o"])


class PartValue(AnswerModel):
    """A value of the dimension."""

    value: str = Field(description="The value; empty for usage that carries none", examples=["gpt-4o"])
    name: str = Field(
        description="Its name for people, as the directory has it now; the value itself where it has none",
        examples=["gpt-4o"],
    )


class PartAnswer(ConvertedFields, PartSums, PartValue):
    """One value of the dimension."""

    requests_share: float = Field(description="Its part of all requests, 0 to 1", examples=[0.41])
    cost_share: float = Field(description="Its part of the whole cost, 0 to 1", examples=[0.378])
    cost_usd_per_request: Usd = Field(description="Average cost, rounded to the nano-dollar", examples=["0.007652824"])
    tokens_per_request: float = Field(description="Average number of tokens", examples=[1974.225])


class BreakdownAnswer(Answered):
    """Usage by one dimension."""

    time_zone: str = Field(description="Zone of the days", examples=["Europe/Paris"])
    days: Days = Field(description="The range asked for")
    by: Dimension = Field(description="The dimension", examples=["model"])
    whole: PartSums = Field(description="The whole selection: exactly the sum of all values, not only of this page")
    conversion: ConversionAnswer | None = Field(
        description="The whole in the currency asked for; null without `currency`"
    )
    values: int = Field(description="Number of all values", examples=[7])
    next_offset: int | None = Field(description="offset of the next page; null on the last", examples=[20])
    parts: list[PartAnswer] = Field(description="The values of this page in the order asked for")


@router.get("/v1/usage/breakdown", **documented(BreakdownAnswer, csv="value,name,requests\r\ngpt-4o,gpt-4o,1204\r\n"))
async def breakdown(
    request: Request, parameters: Annotated[BreakdownParameters, Query()], desk: AtDesk
) -> BreakdownAnswer | Response:
    """Usage by the values of one dimension with shares, averages and the most used model of each."""
    scope = await desk.scope(parameters.organization)
    days = parameters.days(scope.today)
    selection = parameters.selection(scope.organization, days)
    question = Breakdown(parameters.by, selection, parameters.order, parameters.limit, parameters.offset)
    found = await desk.warehouse.ask(question)
    names = await _names(desk, parameters.by, scope, found.page)
    parts = [_part(part, names.get(part.value, part.value), found.whole) for part in found.page]
    told = None
    if parameters.currency is not None:
        values = [part.value for part in found.page]
        wanted = Converted(parameters.currency, question.money, selection.parameters)
        told, money = await conversion(desk, wanted, days, values)
        parts = [part.model_copy(update=money_of(money.parts, part.value)) for part in parts]
    if wants_csv(request):
        names_of_columns = columns(list(PartAnswer.model_fields), parameters.currency)
        return csv_response(parts, names_of_columns, scope.as_of, "breakdown.csv")
    shown = parameters.offset + len(parts)
    return BreakdownAnswer(
        as_of=scope.as_of,
        organization=scope.organization,
        time_zone=scope.time_zone,
        days=Days(first=days.first.isoformat(), last=days.last.isoformat()),
        by=parameters.by,
        whole=PartSums.model_validate(found.whole),
        conversion=told,
        values=found.values,
        next_offset=shown if parts and shown < found.values else None,
        parts=parts,
    )


async def _names(desk: Desk, dimension: str, scope: Scope, page: Sequence[Part]) -> Mapping[str, str]:
    """The names of those values that the directory knows."""
    if dimension not in NAMED_DIMENSIONS:
        return {}
    values = [part.value for part in page if part.value]
    starts = range(0, len(values), NAMES_AT_ONCE)
    answers = await asyncio.gather(
        *(
            desk.warehouse.ask(
                DisplayNames(dimension, scope.organization, values[start : start + NAMES_AT_ONCE], scope.now)
            )
            for start in starts
        )
    )
    return {value: name for names in answers for value, name in names.items()}


def _part(part: Part, name: str, whole: Part) -> PartAnswer:
    sums = {name: getattr(part, name) for name in PartSums.model_fields}
    return PartAnswer(
        **sums,
        value=part.value,
        name=name,
        requests_share=_share(part.requests, whole.requests),
        cost_share=_share(part.cost_usd, whole.cost_usd),
        cost_usd_per_request=WIDE.quantize(WIDE.divide(part.cost_usd, Decimal(part.requests)), NANO),
        tokens_per_request=round(part.total_tokens / part.requests, 3),
    )


def _share(part: Decimal | int, whole: Decimal | int) -> float:
    return round(float(Decimal(part) / Decimal(whole)), 6) if whole else 0.0
