"""GET /v1/margin: what calls cost us against what is billed for them."""

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Self

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from api.converted import SHOWN_TOO, ConversionAnswer, Currency, columns, no_rate
from api.documentation import documented
from api.fields import Answered, AnswerModel, Credits, Money, Usd
from api.negotiation import csv_response, wants_csv
from api.parameters import RangeParameters
from api.resources.timeline import Days
from api.scope import AtDesk
from warehouse.queries.exchange_rates import RatesInForce
from warehouse.queries.margin import Margin, MarginBy, MarginOrder, Margins

router = APIRouter(tags=["billing"])
PAGE_MAX = 1000


class MarginParameters(RangeParameters):
    """What the margin is told of, and which page."""

    by: MarginBy = Field(
        MarginBy.CUSTOMER,
        description="What the margin is told of. It can be selected by customer_id, provider and model only",
        examples=["customer_id"],
    )
    order: MarginOrder = Field(
        MarginOrder.LOWEST_MARGIN,
        description="lowest_margin, highest_bill, or name (dates in order); equal ones by name",
        examples=["lowest_margin"],
    )
    limit: int = Field(100, ge=1, le=PAGE_MAX, description="Values in one answer", examples=[20])
    offset: int = Field(0, ge=0, le=10_000_000, description="Values to skip", examples=[0])
    currency: Currency = None


class MarginSums(AnswerModel):
    """Sums of some requests."""

    requests: int = Field(description="Requests", examples=[1204])
    cost_usd: Usd = Field(
        description="Cost at the provider's prices, whoever pays it (USD, exact)", examples=["9.214000000"]
    )
    byok_cost_usd: Usd = Field(
        description="Part of the cost that customers pay themselves, by their own keys (USD, exact)",
        examples=["1.214000000"],
    )
    provider_cost_usd: Usd = Field(
        description="Part of the cost that is ours: the free plan is in it (USD, exact)", examples=["8.000000000"]
    )
    billed_usd: Usd = Field(description="Amount billed (USD, exact)", examples=["9.600000000"])
    margin_usd: Usd = Field(
        description="billed_usd less provider_cost_usd; below 0 where more is paid than billed (USD, exact)",
        examples=["1.600000000"],
    )
    margin_share: float | None = Field(
        description="Margin by what is billed; null when nothing is", examples=[0.166667]
    )
    credits: Credits = Field(description="Credits (exact)", examples=["1204.000000"])
    unpriced_requests: int = Field(
        description="Requests unpriced or partly priced: what they really cost is not in the margin", examples=[0]
    )


class ConvertedMargin(AnswerModel):
    """Money in the currency asked for; null without `currency`."""

    converted_cost: Money | None = Field(
        description="cost_usd in the currency asked for; null without `currency`", examples=["8.488858200"]
    )
    converted_provider_cost: Money | None = Field(
        description="provider_cost_usd in the currency asked for; null without `currency`", examples=["7.370400000"]
    )
    converted_billed: Money | None = Field(
        description="billed_usd in the currency asked for; null without `currency`", examples=["8.844480000"]
    )
    converted_margin: Money | None = Field(
        description="margin_usd in the currency asked for; null without `currency`", examples=["1.474080000"]
    )


class MarginConversionAnswer(ConversionAnswer):
    """All of it in the currency asked for, and the rates that were used."""

    provider_cost: Money = Field(description="Part of the whole cost that is ours", examples=["7.370400000"])
    margin: Money = Field(description="Billed amount less that part", examples=["2.816229840"])


class MarginAnswer(ConvertedMargin, MarginSums):
    """The margin of one value."""

    value: str = Field(description="The value; empty for usage that carries none", examples=["c-17"])
    organization: str = Field(
        description="Whose customer it is: customers of one name in two organisations are two; empty with another `by`",
        examples=["acme"],
    )

    @classmethod
    def of(cls, found: Margin) -> Self:
        """One value with its money in the currency asked for."""
        sums = {name: getattr(found, name) for name in (*MarginSums.model_fields, "value", "organization")}
        return cls.model_validate(sums | dict.fromkeys(ConvertedMargin.model_fields) | _money(found, SHOWN_TOO))


class MarginsAnswer(Answered):
    """Margins by one dimension."""

    time_zone: str = Field(description="Zone of the days", examples=["Europe/Paris"])
    days: Days = Field(description="The range asked for")
    by: MarginBy = Field(description="What the margin is told of", examples=["customer_id"])
    whole: MarginSums = Field(description="The whole selection: exactly the sum of all values, not only of this page")
    conversion: MarginConversionAnswer | None = Field(
        description="The whole in the currency asked for; null without `currency`"
    )
    values: int = Field(description="Number of all values", examples=[7])
    next_offset: int | None = Field(description="offset of the next page; null on the last", examples=[20])
    margins: list[MarginAnswer] = Field(description="The values of this page in the order asked for")


@router.get("/v1/margin", **documented(MarginsAnswer, csv="requests,cost_usd,value\r\n1204,9.214000000,c-17\r\n"))
async def margin(
    request: Request, parameters: Annotated[MarginParameters, Query()], desk: AtDesk
) -> MarginsAnswer | Response:
    """Provider cost, billed amount and margin by customer, model, provider, day, month or organisation."""
    scope = await desk.scope(parameters.organization)
    days = parameters.days(scope.today)
    selection = parameters.selection(scope.organization, days)
    page = (parameters.limit, parameters.offset)
    found = await desk.warehouse.ask(Margins(parameters.by, selection, parameters.order, *page, parameters.currency))
    if found.gap is not None:
        raise no_rate(found.gap)
    margins = [MarginAnswer.of(each) for each in found.page]
    if wants_csv(request):
        names = columns(list(MarginAnswer.model_fields), parameters.currency)
        return csv_response(margins, names, scope.as_of, "margin.csv")
    conversion = None
    if parameters.currency is not None:
        rates = await desk.warehouse.ask(RatesInForce(parameters.currency))
        conversion = MarginConversionAnswer.of(rates, days, **_money(found.whole, ""))
    shown = parameters.offset + len(margins)
    return MarginsAnswer(
        as_of=scope.as_of,
        organization=scope.organization,
        time_zone=scope.time_zone,
        days=Days(first=days.first.isoformat(), last=days.last.isoformat()),
        by=parameters.by,
        whole=MarginSums.model_validate(found.whole),
        conversion=conversion,
        values=found.values,
        next_offset=shown if margins and shown < found.values else None,
        margins=margins,
    )


def _money(found: Margin, before: str) -> dict[str, Decimal]:
    """What is converted, by name; nothing without a currency."""
    return (
        {} if found.converted is None else {f"{before}{name}": each for name, each in asdict(found.converted).items()}
    )
