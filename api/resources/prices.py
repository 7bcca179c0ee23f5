"""GET /v1/prices: the price list people see."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.documentation import documented
from api.fields import AnswerModel, AsOf, Exact, Instant
from api.parameters import Text
from api.scope import AtDesk
from warehouse.queries.prices import ModelPrices

router = APIRouter(tags=["directory"])
PAGE_MAX = 5000


class PriceParameters(BaseModel):
    """Which models, and which page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Text = Field("", description="Only this provider", examples=["openai"])
    search: Text = Field("", description="Part of the model's id or name", examples=["gpt-4"])
    limit: int = Field(1000, ge=1, le=PAGE_MAX, description="Models in one answer", examples=[100])
    offset: int = Field(0, ge=0, le=1_000_000, description="Models to skip", examples=[0])


class PriceAnswer(AnswerModel):
    """Base prices of one model in USD per million tokens; null where it has no such price."""

    provider: str = Field(description="Provider in the catalogue", examples=["openai"])
    model: str = Field(description="Model in the catalogue", examples=["gpt-4o"])
    display_name: str = Field(description="Name for people", examples=["GPT-4o"])
    input_usd_per_million: Exact | None = Field(description="Input", examples=["2.5"])
    cache_read_usd_per_million: Exact | None = Field(description="Input read from a cache", examples=["1.25"])
    cache_write_usd_per_million: Exact | None = Field(description="Input written to a cache", examples=["3.125"])
    output_usd_per_million: Exact | None = Field(description="Output", examples=["10"])
    free: bool = Field(description="Whether it costs nothing", examples=[False])
    price_revision: int = Field(description="Revision of the price book", examples=[1])
    effective_from: Instant = Field(description="From when these prices hold", examples=["1970-01-01T00:00:00.000Z"])


class PricesAnswer(AsOf):
    """One page of the price list."""

    next_offset: int | None = Field(description="offset of the next page; null on the last", examples=[100])
    prices: list[PriceAnswer] = Field(description="By provider and model")


@router.get("/v1/prices", **documented(PricesAnswer, refusals=(401, 403, 422, 503)))
async def prices(parameters: Annotated[PriceParameters, Query()], desk: AtDesk) -> PricesAnswer:
    """Prices per million tokens in force now, of the newest revision."""
    as_of = await desk.as_of()
    question = ModelPrices(parameters.provider, parameters.search, parameters.limit + 1, parameters.offset)
    found = await desk.warehouse.ask(question)
    return PricesAnswer(
        as_of=as_of,
        next_offset=parameters.offset + parameters.limit if len(found) > parameters.limit else None,
        prices=[PriceAnswer.model_validate(price) for price in found[: parameters.limit]],
    )
