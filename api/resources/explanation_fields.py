"""The explanation of one event in JSON: line by line, with everything that each number came from."""

from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from api.fields import AnswerModel, Credits, Exact, Instant, Usd
from stream_jobs.corrections.change import Change
from stream_jobs.credits.billing import Billing
from stream_jobs.credits.counted import Counted
from stream_jobs.credits.multiplier_row import tier_of
from stream_jobs.explanation.exact import exact_text
from stream_jobs.explanation.explanation import Explanation
from stream_jobs.pricing.cost_lines import CostLine, CostLines
from stream_jobs.pricing.price_row import PriceRow
from warehouse.queries.corrected import AwaitedChange, FormerVersion

Ratio = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+|/[0-9]+)?$")]
"""An exact number: a decimal with every digit, or a ratio where a decimal would not end."""
OF_DAY = "HH:MM:SS in UTC; empty: all day"


class PriceRowAnswer(AnswerModel):
    """The row of the price list that a price stands in."""

    organization: str = Field(description="Whose price it is; empty for everyone", examples=[""])
    provider: str = Field(description="Provider in the catalogue", examples=["openai"])
    model: str = Field(description="Model in the catalogue", examples=["gpt-4o"])
    unit: str = Field(description="Unit in the price list", examples=["input_mtok"])
    tier_start: int = Field(description="Holds above so many input tokens", examples=[0])
    effective_from: Instant = Field(description="From when it holds", examples=["1970-01-01T00:00:00.000Z"])
    daily_from: str = Field(description=f"From which time of day it holds ({OF_DAY})", examples=[""])
    daily_to: str = Field(description=f"Up to which time of day ({OF_DAY})", examples=[""])
    source: str = Field(description="Where the price comes from", examples=["genai-prices 0.0.64"])

    @classmethod
    def of(cls, row: PriceRow) -> Self:
        """The row's own words."""
        return cls.model_validate(row)


class CostLineAnswer(AnswerModel):
    """One line of the sum: quantity x price_usd / per."""

    unit: str = Field(description="Token bucket, or unit of the catalogue", examples=["input_tokens"])
    quantity: Ratio = Field(description="How much was used", examples=["1520"])
    priced_unit: str | None = Field(
        description="Unit whose price it took; null: nothing prices it", examples=["input_tokens"]
    )
    price_usd: Exact = Field(description="Price (USD) of `per` units", examples=["2.5"])
    per: int = Field(description="So many units cost the price", examples=[1000000])
    amount_usd: Ratio = Field(description="The exact amount (USD), not rounded", examples=["0.0038"])
    price: PriceRowAnswer | None = Field(description="Where the price stands; null without a price")

    @classmethod
    def of(cls, line: CostLine) -> Self:
        """One line."""
        return cls(
            unit=line.unit,
            quantity=exact_text(line.quantity),
            priced_unit=line.priced_unit,
            price_usd=line.price_usd,
            per=line.per,
            amount_usd=exact_text(line.usd),
            price=PriceRowAnswer.of(line.row) if line.row else None,
        )


class CostAnswer(AnswerModel):
    """The cost under one revision of the prices."""

    price_revision: int = Field(description="Revision of the prices", examples=[1])
    priced_as: str = Field(description="Entry of the catalogue; empty: unknown model", examples=["openai/gpt-4o"])
    rule: str = Field(description="How the entry was found", examples=["provider and model"])
    price_list: str = Field(description="Whose prices: an organisation; empty: everyone", examples=[""])
    effective_from: Instant | None = Field(
        description="From when these prices hold for it; null: no price holds at its time",
        examples=["1970-01-01T00:00:00.000Z"],
    )
    daily_from: str = Field(description=f"From which time of day they hold ({OF_DAY})", examples=[""])
    daily_to: str = Field(description=f"Up to which time of day ({OF_DAY})", examples=[""])
    context_tokens: Ratio = Field(description="All input tokens, which choose the tier", examples=["1520"])
    tier_start: int = Field(description="The tier that holds above so many input tokens", examples=[0])
    minimum_audio_seconds: int = Field(description="Audio is charged as at least so long (s)", examples=[0])
    lines: list[CostLineAnswer] = Field(description="The sum, line by line")
    exact_usd: Ratio = Field(description="The sum before it is rounded (USD)", examples=["0.00765"])
    rounded_usd: Usd = Field(
        description="The sum rounded once to nano-dollars, half to even (USD)", examples=["0.007650000"]
    )
    unpriced_units: list[str] = Field(description="What was used and nothing prices", examples=[[]])
    cost_usd: Usd = Field(
        description="The cost: the rounded sum, or what the provider reported for an unknown model (USD)",
        examples=["0.007650000"],
    )
    cost_status: str = Field(description="priced, partial, unpriced, free or reported", examples=["priced"])
    reported_cost_usd: Usd | None = Field(description="What the provider reported (USD)", examples=["0.007660000"])
    reported_difference_usd: Usd | None = Field(
        description="Reported less our own figure (USD); null when nothing was reported", examples=["0.000010000"]
    )

    @classmethod
    def of(cls, cost: CostLines) -> Self:
        """The cost."""
        return cls(
            price_revision=cost.revision,
            priced_as=cost.priced_as,
            rule=cost.rule,
            price_list=cost.price_list,
            effective_from=cost.effective_from,
            daily_from=cost.daily_from,
            daily_to=cost.daily_to,
            context_tokens=exact_text(cost.input_tokens),
            tier_start=cost.tier_start,
            minimum_audio_seconds=cost.minimum_audio_seconds,
            lines=[CostLineAnswer.of(line) for line in cost.lines],
            exact_usd=exact_text(cost.exact_usd),
            rounded_usd=_usd(cost.rounded_nano_usd),
            unpriced_units=list(cost.unpriced_units),
            cost_usd=_usd(cost.cost_nano_usd),
            cost_status=cost.status,
            reported_cost_usd=_usd_or_none(cost.reported_nano_usd),
            reported_difference_usd=_usd_or_none(cost.reported_difference_nano_usd),
        )


class CreditsAnswer(AnswerModel):
    """The credits under one revision of the multipliers."""

    multiplier_revision: int = Field(description="Revision of the multipliers", examples=[1])
    looked_up_as: str = Field(description="Entry of the catalogue it was looked up by", examples=["openai/gpt-4o"])
    multiplier: Exact = Field(description="Credits of one request", examples=["1"])
    tier: str = Field(description="economy, standard or premium", examples=["standard"])
    organization: str = Field(description="Whose multiplier; empty: everyone's", examples=[""])
    multiplier_of: str = Field(
        description="What it is a multiplier of: provider/model, a model at any provider, or default",
        examples=["openai/gpt-4o"],
    )
    effective_from: Instant | None = Field(
        description="From when it holds; null: no list says anything, so it is 1x",
        examples=["1970-01-01T00:00:00.000Z"],
    )
    source: str = Field(description="Where it comes from", examples=["multipliers.yaml"])
    note: str = Field(description="What its source says beside it", examples=["gpt-4o"])
    basis: str = Field(description="What credits are counted by: request, cost or tokens", examples=["request"])
    credits_per_usd: Exact = Field(description="Credits for a US dollar of cost, on the basis cost", examples=["0"])
    rounding: str = Field(description="exact, or up to whole credits", examples=["exact"])
    used: bool = Field(description="Whether the call used something: else it counts nothing", examples=[True])
    credits: Credits = Field(description="Credits (exact)", examples=["1.000000"])

    @classmethod
    def of(cls, counted: Counted) -> Self:
        """The credits."""
        row = counted.row
        entry = "/".join(filter(None, (row.provider, row.model))) if row else ""
        return cls(
            multiplier_revision=counted.revision,
            looked_up_as=counted.priced_as,
            multiplier=Decimal(counted.multiplier_milli).scaleb(-3),
            tier=tier_of(counted.multiplier_milli),
            organization=row.organization if row else "",
            multiplier_of=entry or "default",
            effective_from=row.effective_from if row else None,
            source=row.source if row else "",
            note=row.note if row else "",
            basis=counted.terms.basis,
            credits_per_usd=counted.terms.credits_per_usd,
            rounding=counted.terms.rounding,
            used=counted.used,
            credits=Decimal(counted.credits_micro).scaleb(-6),
        )


class BillingAnswer(AnswerModel):
    """The billed amount: cost x (1 + markup)."""

    billing_type: str = Field(description="SYSTEM or BYOK", examples=["SYSTEM"])
    plan: str = Field(description="Plan of the customer", examples=["PRO"])
    rule: str = Field(description="billed, own key (nothing) or free plan (nothing)", examples=["billed"])
    markup_ppm: int = Field(description="Markup in millionths of the cost", examples=[200000])
    exact_usd: Ratio = Field(description="The amount before it is rounded (USD)", examples=["0.00918"])
    billed_usd: Usd = Field(description="The amount, rounded once, half to even (USD)", examples=["0.009180000"])

    @classmethod
    def of(cls, billing: Billing) -> Self:
        """The amount."""
        return cls(
            billing_type=billing.billing_type,
            plan=billing.plan,
            rule=billing.rule,
            markup_ppm=billing.markup_ppm,
            exact_usd=exact_text(billing.exact_nano_usd / 10**9),
            billed_usd=_usd(billing.billed_nano_usd),
        )


class RevisionAnswer(AnswerModel):
    """Who made a revision that is named, and why."""

    kind: str = Field(description="prices or multipliers", examples=["prices"])
    revision: int = Field(description="Number of the revision", examples=[1])
    organization: str = Field(description="Whose; empty: everyone's", examples=[""])
    author: str = Field(description="Who made it", examples=["ada"])
    note: str = Field(description="Why", examples=["prices of March"])
    source: str = Field(description="Where its rows come from", examples=["genai-prices 0.0.64"])
    created: Instant = Field(description="When it was made", examples=["2026-03-01T08:00:00.000Z"])


class BirthChangeAnswer(AnswerModel):
    """A control record that came before the event and changed it when it came."""

    control_id: UUID = Field(description="The control record", examples=["0190c0de-7a4b-7cde-8f12-0242ac120002"])
    kind: str = Field(description="amend, void or replace", examples=["replace"])
    author: str = Field(description="Who asked", examples=["ada"])
    note: str = Field(description="Why", examples=["the proxy counted twice"])
    asked: Instant | None = Field(description="When the log received it", examples=["2026-03-14T08:00:00.000Z"])
    void: bool = Field(description="Whether it says that the event never counted", examples=[False])
    sets: dict[str, str | int | None] = Field(
        description="Columns and the values they got, in whole numbers; null: none any more",
        examples=[{"input_tokens": 1520}],
    )

    @classmethod
    def of(cls, said: AwaitedChange) -> Self:
        """One record."""
        change = Change.read(said.change)
        return cls(
            control_id=UUID(said.control_id),
            kind=said.kind,
            author=said.author,
            note=said.note,
            asked=said.asked,
            void=change.void,
            sets=dict(change.columns),
        )


class FormerAnswer(AnswerModel):
    """What the event was before a control record changed it."""

    control_id: UUID = Field(description="The control record", examples=["0190c0de-7a4b-7cde-8f12-0242ac120002"])
    kind: str = Field(description="amend, void, replace or reprice", examples=["reprice"])
    author: str = Field(description="Who asked", examples=["ada"])
    note: str = Field(description="Why", examples=["the new contract"])
    asked: Instant | None = Field(description="When the log received it", examples=["2026-04-01T08:00:00.000Z"])
    changed: Instant = Field(description="When the event was written anew", examples=["2026-04-01T08:00:07.000Z"])
    price_revision: int = Field(description="Revision of the prices before", examples=[1])
    cost_usd: Usd = Field(description="Cost before (USD)", examples=["0.007650000"])
    billed_usd: Usd = Field(description="Billed before (USD)", examples=["0.009180000"])
    credits: Credits = Field(description="Credits before", examples=["1.000000"])

    @classmethod
    def of(cls, former: FormerVersion) -> Self:
        """One version."""
        return cls.model_validate(former)


class ExplanationAnswer(AnswerModel):
    """How one event got its cost, credits and billed amount."""

    event_id: UUID = Field(description="Identity of the event", examples=["019cf00d-5b1e-7c3a-9d55-0242ac120002"])
    source_id: str = Field(description="The sender's own key, when it was no UUID", examples=["req-881"])
    organization: str = Field(description="Organisation", examples=["acme"])
    time: Instant = Field(description="When the call happened: what prices it", examples=["2026-03-14T09:26:53.118Z"])
    provider: str = Field(description="Provider as sent", examples=["openai"])
    model: str = Field(description="Model as sent", examples=["gpt-4o"])
    void: bool = Field(
        description="True: it counts nowhere, as a control record says that it never counted; the money is what it "
        "would cost",
        examples=[False],
    )
    cost: CostAnswer = Field(description="The cost under the revision in force for the event")
    credits: CreditsAnswer = Field(description="The credits")
    billing: BillingAnswer = Field(description="The billed amount")
    revisions: list[RevisionAnswer] = Field(description="Who made the revisions that are named, and why")
    at_birth: list[BirthChangeAnswer] = Field(
        description="Control records that came before it and changed it when it came, in their order"
    )
    former: list[FormerAnswer] = Field(description="What it was before it was changed later, oldest first")
    under: CostAnswer | None = Field(description="The cost under the revision that was asked for; null without one")
    differences: list[str] = Field(
        description="Stored values that do not follow from the above: empty unless something is wrong", examples=[[]]
    )

    @classmethod
    def of(cls, found: Explanation) -> Self:
        """The explanation."""
        event = found.event
        return cls(
            event_id=event.event_id,
            source_id=event.source_id,
            organization=event.organization,
            time=event.time,
            provider=event.dimensions["provider"],
            model=event.dimensions["model"],
            void=event.void,
            cost=CostAnswer.of(found.cost),
            credits=CreditsAnswer.of(found.credits),
            billing=BillingAnswer.of(found.billing),
            revisions=[RevisionAnswer.model_validate(told) for told in found.revisions],
            at_birth=[BirthChangeAnswer.of(each) for each in found.at_birth],
            former=[FormerAnswer.of(each) for each in found.former],
            under=CostAnswer.of(found.under) if found.under else None,
            differences=list(found.differences),
        )


def _usd(nano_usd: int) -> Decimal:
    return Decimal(nano_usd).scaleb(-9)


def _usd_or_none(nano_usd: int | None) -> Decimal | None:
    return None if nano_usd is None else _usd(nano_usd)
