"""GET /v1/prices: the price list people see."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from api.documentation import documented
from api.fields import AnswerModel, AsOf, Exact, Instant
from api.parameters import OrganizationParameter, Text
from api.resources.price_revisions import LOOKS, state_of
from api.scope import AtDesk
from stream_jobs.pricing.editing.dated_sheet import DatedSheet
from stream_jobs.pricing.editing.price_list import ListedModel, Standing, listed_models
from stream_jobs.pricing.price_row import LAST

router = APIRouter(tags=["directory"])
PAGE_MAX = 5000


class PriceParameters(OrganizationParameter):
    """Which models, as of when, and which page."""

    provider: Text = Field("", description="Only this provider", examples=["openai"])
    search: Text = Field("", description="Part of the model's id or name", examples=["gpt-4"])
    at: AwareDatetime | None = Field(
        None,
        lt=LAST,
        description="As it was or will be then; left out: now",
        examples=["2026-03-01T00:00:00Z"],
    )
    revision: int | None = Field(None, ge=1, description="As of this revision; else the newest", examples=[2])
    limit: int = Field(1000, ge=1, le=PAGE_MAX, description="Models in one answer", examples=[100])
    offset: int = Field(0, ge=0, le=1_000_000, description="Models to skip", examples=[0])


class RateAnswer(AnswerModel):
    """One price that holds on the day, perhaps only for some calls or at some hours."""

    unit: str = Field(
        description="Unit; `free`: costs nothing; empty: no price is known, of a service tier no own one",
        examples=["input_mtok"],
    )
    price_usd: Exact = Field(description="USD for `per` units", examples=["2.5"])
    per: int = Field(description="Units the price is for", examples=[1000000])
    tier_start: int = Field(description="Holds for calls of more input tokens than this", examples=[0])
    marginal: bool = Field(description="Whether it holds only for what lies above tier_start", examples=[False])
    service_tier: str = Field(description="Only for calls served so; empty: the usual", examples=[""])
    daily_from: str = Field(description="Start of the daily window (UTC); empty: all day", examples=[""])
    daily_to: str = Field(description="End of the daily window (UTC)", examples=[""])
    effective_from: Instant = Field(description="From when it holds", examples=["1970-01-01T00:00:00.000Z"])


class PriceAnswer(AnswerModel):
    """Prices of one model: the usual ones in USD per million tokens (null where it has no such price), and all."""

    organization: str = Field(description="Organisation it is for; empty for everyone", examples=[""])
    provider: str = Field(description="Provider in the catalogue", examples=["openai"])
    model: str = Field(description="Model in the catalogue", examples=["gpt-4o"])
    display_name: str = Field(description="Name for people", examples=["GPT-4o"])
    input_usd_per_million: Exact | None = Field(description="Input", examples=["2.5"])
    cache_read_usd_per_million: Exact | None = Field(description="Input read from a cache", examples=["1.25"])
    cache_write_usd_per_million: Exact | None = Field(description="Input written to a cache", examples=["3.125"])
    output_usd_per_million: Exact | None = Field(description="Output", examples=["10"])
    standing: Standing = Field(description="priced, free or no known price: outside daily windows", examples=["priced"])
    free: bool = Field(description="Whether it costs nothing: called free, or every price is 0", examples=[False])
    price_revision: int = Field(description="Revision of the price book", examples=[1])
    effective_from: Instant = Field(description="From when these prices hold", examples=["1970-01-01T00:00:00.000Z"])
    rates: list[RateAnswer] = Field(
        description="Every price in force: of those that hold for a call at an hour the last counts"
    )

    @classmethod
    def of(cls, listed: ListedModel, revision: int) -> "PriceAnswer":
        """The answer for a model that has a sheet."""
        usual = _usual(listed)
        base = {row.unit: row.price_usd for row in usual.rates if not row.tier_start} if usual else {}
        rows = [row for sheet in listed.sheets for row in sheet.rows]
        return cls(
            organization=listed.organization,
            provider=listed.provider,
            model=listed.model,
            display_name=listed.display_name,
            input_usd_per_million=base.get("input_mtok"),
            cache_read_usd_per_million=base.get("cache_read_mtok"),
            cache_write_usd_per_million=base.get("cache_write_mtok"),
            output_usd_per_million=base.get("output_mtok"),
            standing=listed.standing,
            free=usual is not None and not usual.is_end and not any(row.price_usd for row in usual.rates),
            price_revision=revision,
            effective_from=(usual or listed.sheets[0]).effective_from,
            rates=[RateAnswer.model_validate(row) for row in rows],
        )


class PricesAnswer(AsOf):
    """One page of the price list."""

    revision: int = Field(description="As of this revision, anybody's; 0: there is none yet", examples=[2])
    next_offset: int | None = Field(description="offset of the next page; null on the last", examples=[100])
    prices: list[PriceAnswer] = Field(description="Everyone's by provider and model, then those of organisations")


@router.get("/v1/prices", **documented(PricesAnswer, refusals=LOOKS))
async def prices(parameters: Annotated[PriceParameters, Query()], desk: AtDesk) -> PricesAnswer:
    """What models cost: every price in force at a time, for everyone and of an organisation's own."""
    as_of = await desk.as_of()
    state = await state_of(desk, parameters.revision, parameters.organization, may_be_none=True)
    moment = parameters.at or desk.clock()
    found = listed_models((each.row for each in state.said), moment, parameters.provider, parameters.search)
    begun = [listed for listed in found if listed.sheets]
    end = parameters.offset + parameters.limit
    return PricesAnswer(
        as_of=as_of,
        revision=state.state,
        next_offset=end if len(begun) > end else None,
        prices=[PriceAnswer.of(each, state.owners[each.organization]) for each in begun[parameters.offset : end]],
    )


def _usual(listed: ListedModel) -> DatedSheet | None:
    """What holds for calls that are served as usual, outside daily windows."""
    usual = (sheet for sheet in reversed(listed.sheets) if not sheet.service_tier)
    return next((sheet for sheet in usual if sheet.window == ("", "")), None)
