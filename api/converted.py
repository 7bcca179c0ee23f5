"""Money in another currency beside US dollars: what an answer is about in, the fields that it adds out."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from api.errors import InvalidParameter
from api.fields import AnswerModel, Exact, Money
from api.scope import Desk
from warehouse.currency.exchange_rate import RatesOf, Stretch, currency_code
from warehouse.errors import InvalidExchangeRate, MissingExchangeRate
from warehouse.queries import converted
from warehouse.queries.converted import Converted, ConvertedParts
from warehouse.queries.exchange_rates import RatesInForce
from warehouse.queries.ranges import DayRange

VALUES_AT_ONCE = 200
"""Values in one question: they travel in its address, which a server limits to a megabyte."""
SHOWN_TOO = "converted_"
"""How the names of fields in the currency asked for begin."""


def _code(text: str) -> str:
    try:
        return currency_code(text)
    except InvalidExchangeRate as problem:
        raise ValueError(str(problem)) from None


Currency = Annotated[
    str | None,
    AfterValidator(lambda text: None if text is None else _code(text)),
    Field(
        description="Show cost and billed amount in this currency too (ISO 4217), each day at its own exchange rate; "
        "days without one are refused by name. Stored money stays in US dollars",
        examples=["EUR"],
    ),
]


class ConvertedFields(AnswerModel):
    """Cost and billed amount in the currency asked for."""

    converted_cost: Money | None = Field(
        None, description="Cost in the currency asked for; null without `currency`", examples=["8.488858200"]
    )
    converted_billed: Money | None = Field(
        None, description="Billed amount in the currency asked for; null without `currency`", examples=["10.186629840"]
    )


class RateAnswer(AnswerModel):
    """One exchange rate and the days on which it holds."""

    first: date = Field(alias="from", description="First day on which it holds", examples=["2026-03-01"])
    last: date | None = Field(
        alias="to", description="Last day; null while no later rate is known", examples=["2026-03-31"]
    )
    units_per_usd: Exact = Field(description="Units of the currency for one US dollar", examples=["0.9213"])


class RatesAnswer(AnswerModel):
    """The currency asked for, and the rates that were used."""

    currency: str = Field(description="The currency (ISO 4217)", examples=["EUR"])
    rates: list[RateAnswer] = Field(description="Rates that hold on days of the range")

    @classmethod
    def of(cls, rates: RatesOf, days: DayRange, **whole: Decimal) -> Self:
        """The rates of these days, and what else the answer says in their currency."""
        used = [_rate(stretch) for stretch in rates.used(days.first, days.last)]
        return cls.model_validate({"currency": rates.currency, "rates": used, **whole})


class ConversionAnswer(RatesAnswer):
    """All of it in the currency asked for, and the rates that were used."""

    cost: Money = Field(description="Whole cost in the currency", examples=["8.488858200"])
    billed: Money = Field(description="Whole billed amount in the currency", examples=["10.186629840"])


async def conversion(
    desk: Desk, question: Converted, days: DayRange, values: Sequence[str] | None = None
) -> tuple[ConversionAnswer, ConvertedParts]:
    """What an answer says beside dollars, and the money of each value. values: at most those of one page.

    Raises InvalidParameter naming the first day that has money and no rate.
    """
    some = (
        [None]
        if values is None
        else [values[at : at + VALUES_AT_ONCE] for at in range(0, len(values) or 1, VALUES_AT_ONCE)]
    )
    questions = [Converted(question.currency, question.usage, question.given, each) for each in some]
    rates = await desk.warehouse.ask(RatesInForce(question.currency))
    answers = await asyncio.gather(*(desk.warehouse.ask(each) for each in questions))
    for answer in answers:
        if answer.gap is not None:
            raise no_rate(answer.gap)
    parts = {value: money for answer in answers for value, money in answer.parts.items()}
    whole = answers[0].whole
    return ConversionAnswer.of(rates, days, cost=whole.cost, billed=whole.billed), ConvertedParts(whole, parts)


def no_rate(gap: MissingExchangeRate) -> InvalidParameter:
    """The refusal that names the day."""
    return InvalidParameter(f"currency: {gap}", code="missing_exchange_rate")


def money_of(parts: Mapping[converted.Value, converted.Money], value: converted.Value) -> dict[str, object]:
    """The two fields of one value; a value without usage costs nothing."""
    found = parts.get(value, converted.NO_MONEY)
    return {"converted_cost": found.cost, "converted_billed": found.billed}


def columns(names: Sequence[str], currency: str | None) -> list[str]:
    """The columns of a CSV: those of the currency only when one is asked for."""
    return [name for name in names if currency is not None or not name.startswith(SHOWN_TOO)]


def _rate(stretch: Stretch) -> RateAnswer:
    return RateAnswer(first=stretch.first, last=stretch.last, units_per_usd=stretch.units_per_usd)
