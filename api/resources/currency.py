"""GET and POST /v1/currency/rates: the exchange rates by which answers show money in another currency."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.converted import Currency
from api.documentation import documented
from api.errors import Forbidden, InvalidParameter
from api.fields import AnswerModel, Exact, Instant
from api.parameters import Day
from api.scope import AtDesk
from api.writing_desk import AtAdministratorsDesk
from warehouse.currency import ledger
from warehouse.currency.exchange_rate import ExchangeRate, stated
from warehouse.errors import InvalidExchangeRate
from warehouse.queries.exchange_rates import SaidRate, SaidRates

router = APIRouter(tags=["money"])
ITEMS_MAX = 5000


class RatesParameters(BaseModel):
    """Which rates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: Currency = None
    history: bool = Field(False, description="Also rates that were replaced by later ones", examples=[False])


class SaidRateAnswer(AnswerModel):
    """One rate, and who said it when."""

    currency: str = Field(description="Currency (ISO 4217)", examples=["EUR"])
    day: date = Field(
        description="First day on which it holds; it holds until the next rate of the currency", examples=["2026-03-01"]
    )
    units_per_usd: Exact = Field(description="Units of the currency for one US dollar", examples=["0.9213"])
    author: str = Field(description="Who said it", examples=["key 0a1b2c3d4e5f"])
    source: str = Field(description="Where it comes from", examples=["rates.csv"])
    note: str = Field(description="Why", examples=["closing rate of February"])
    created: Instant = Field(description="When it was said", examples=["2026-03-01T08:15:00.123Z"])
    holds: bool = Field(description="False when another one was said for its day later", examples=[True])


class RatesAnswer(AnswerModel):
    """Exchange rates."""

    rates: list[SaidRateAnswer] = Field(description="By currency, the newest day first")


class RateBody(BaseModel):
    """One rate to set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: str = Field(description="ISO 4217 code", examples=["EUR"])
    day: Day = Field(description="First day on which it holds, until the next rate", examples=["2026-03-01"])
    units_per_usd: str = Field(
        description="Units of the currency for one US dollar, a decimal in a string", examples=["0.9213"]
    )


class RatesBody(BaseModel):
    """Rates to set together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rates: list[RateBody] = Field(min_length=1, max_length=ITEMS_MAX, description="Each currency and day once")
    note: str = Field("", max_length=1000, description="Why; kept with the rates", examples=["closing rates"])


class RatesSetAnswer(AnswerModel):
    """What was written."""

    given: int = Field(description="Rates in the request", examples=[3])
    changed: int = Field(description="Those that say something new; the others held already", examples=[2])


@router.get("/v1/currency/rates", **documented(RatesAnswer, refusals=(401, 403, 422, 503)))
async def rates(parameters: Annotated[RatesParameters, Query()], desk: AtDesk) -> RatesAnswer:
    """The exchange rates of the installation."""
    found = await desk.warehouse.ask(SaidRates(parameters.currency, held_only=not parameters.history))
    return RatesAnswer(rates=[_answer(said) for said in found])


@router.post("/v1/currency/rates", **documented(RatesSetAnswer, refusals=(401, 403, 413, 422, 503)))
async def set_rates(body: RatesBody, desk: AtAdministratorsDesk) -> RatesSetAnswer:
    """Sets rates: all of them, or none when one cannot be. Rates said before stay in the history."""
    if desk.writer.organization is not None:
        raise Forbidden("exchange rates hold for the whole installation: use a key for every organisation")
    given = _stated(body.rates)
    changed = await desk.accounts.write(
        lambda client: ledger.state(
            client, given, author=desk.writer.author, source="api", note=body.note, now=desk.clock()
        )
    )
    return RatesSetAnswer(given=len(given), changed=len(changed))


def _stated(items: list[RateBody]) -> list[ExchangeRate]:
    found: dict[tuple[str, date], ExchangeRate] = {}
    problems: list[str] = []
    for index, item in enumerate(items):
        try:
            rate = stated(item.currency, item.day, item.units_per_usd)
        except InvalidExchangeRate as problem:
            problems.append(f"rates.{index}: {problem}")
            continue
        if (rate.currency, rate.day) in found:
            problems.append(f"rates.{index}: {rate.currency} on {rate.day} is given twice; keep one")
        found[rate.currency, rate.day] = rate
    if problems:
        raise InvalidParameter(f"nothing was written: {'; '.join(problems[:20])}")
    return list(found.values())


def _answer(said: SaidRate) -> SaidRateAnswer:
    values = {name: getattr(said, name) for name in ("author", "source", "note", "created", "holds")}
    rate = said.rate
    return SaidRateAnswer(currency=rate.currency, day=rate.day, units_per_usd=rate.units_per_usd, **values)
