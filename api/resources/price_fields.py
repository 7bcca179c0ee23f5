"""What requests and answers about price revisions consist of."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.fields import AnswerModel, Exact, Instant
from api.parameters import Name
from api.resources.control_fields import ID, PublishedPlace
from stream_jobs.configuring.said import Said
from stream_jobs.control.publisher import Published
from stream_jobs.pricing.editing.difference import ChangedPrice, PriceDifference
from stream_jobs.pricing.price_row import ALWAYS, LAST, PriceRow

NOTE_MAX = 1000


class ChangeRequest(BaseModel):
    """What every change of prices or multipliers says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    organization: Name | None = Field(
        None, description="This organisation's own; left out: what holds for everyone", examples=["acme"]
    )
    note: str = Field("", max_length=NOTE_MAX, description="Why; kept", examples=["contract of March"])
    dry_run: bool = Field(False, description="Only say what would change", examples=[False])


class DatedRequest(ChangeRequest):
    """A change from a date on."""

    effective_from: AwareDatetime | None = Field(
        None,
        lt=LAST,
        description="From when it holds, to the second; left out: from now on. 1970-01-01T00:00:00Z: always",
        examples=["2026-03-01T00:00:00Z"],
    )

    def start(self, now: datetime) -> datetime:
        """The instant that is meant, to the second."""
        return max(self.effective_from or now, ALWAYS).astimezone(UTC).replace(microsecond=0)


class PriceRowAnswer(AnswerModel):
    """One price, who said it, why and when."""

    organization: str = Field(description="Organisation it is for; empty for everyone", examples=[""])
    provider: str = Field(description="Provider in the catalogue", examples=["openai"])
    model: str = Field(description="Model in the catalogue", examples=["gpt-4o"])
    service_tier: str = Field(description="Only for calls served so; empty: the usual", examples=[""])
    unit: str = Field(
        description="Unit; `free`: costs nothing; empty: from here no price is known, of a service tier no own one",
        examples=["input_mtok"],
    )
    price_usd: Exact = Field(description="USD for `per` units", examples=["2.5"])
    per: int = Field(description="Units the price is for", examples=[1000000])
    tier_start: int = Field(description="Holds for calls of more input tokens than this", examples=[0])
    marginal: bool = Field(description="Whether it holds only for what lies above tier_start", examples=[False])
    effective_from: Instant = Field(description="From when it holds", examples=["1970-01-01T00:00:00.000Z"])
    daily_from: str = Field(description="Start of the daily window (UTC); empty: all day", examples=[""])
    daily_to: str = Field(description="End of the daily window (UTC)", examples=[""])
    source: str = Field(description="Where it comes from", examples=["genai-prices 0.0.36"])

    @classmethod
    def of(cls, row: PriceRow) -> "PriceRowAnswer":
        """The answer for a row."""
        return cls.model_validate(row)


class SaidPriceAnswer(PriceRowAnswer):
    """One price with who said it."""

    author: str = Field(description="Who said it", examples=["key 3f9a0c11d2e4"])
    note: str = Field(description="Why", examples=["contract of March"])
    created: Instant = Field(description="When it was said", examples=["2026-03-14T09:26:53.589Z"])

    @classmethod
    def said(cls, said: Said[PriceRow]) -> "SaidPriceAnswer":
        """The answer for a row and its author."""
        return cls(**values_of(said.row), author=said.author, note=said.note, created=said.created)


class ChangedPriceAnswer(AnswerModel):
    """One price that differs."""

    change: str = Field(description="added, removed (also: free from then on) or changed", examples=["changed"])
    before: PriceRowAnswer | None = Field(description="As it is; null where there is none")
    after: PriceRowAnswer | None = Field(description="As it becomes; null where there is none")
    percent: str | None = Field(
        description="By how much it rises, below 0 falls; null where that cannot be said", examples=["25.00"]
    )

    @classmethod
    def of(cls, changed: ChangedPrice) -> "ChangedPriceAnswer":
        """The answer for a change."""
        return cls(
            change=changed.change,
            before=PriceRowAnswer.of(changed.before) if changed.before else None,
            after=PriceRowAnswer.of(changed.after) if changed.after else None,
            percent=None if changed.percent is None else str(changed.percent),
        )


class PriceDifferenceAnswer(AnswerModel):
    """What differs between two price lists."""

    added: int = Field(description="Prices that come", examples=[0])
    removed: int = Field(description="Prices that go", examples=[0])
    changed: int = Field(description="Prices that change", examples=[1])
    models: int = Field(description="Models of which a price differs", examples=[1])
    renamed: int = Field(description="Models found by another rule or called otherwise", examples=[0])
    largest_percent: str | None = Field(description="The largest change up or down", examples=["25.00"])
    prices: list[ChangedPriceAnswer] = Field(description="By provider, model and date")

    @classmethod
    def of(cls, found: PriceDifference) -> "PriceDifferenceAnswer":
        """The answer for a difference."""
        percent: Decimal | None = found.largest.percent if found.largest else None
        return cls(
            added=found.counts["added"],
            removed=found.counts["removed"],
            changed=found.counts["changed"],
            models=found.models,
            renamed=len(found.rules),
            largest_percent=None if percent is None else str(percent),
            prices=[ChangedPriceAnswer.of(each) for each in found.prices],
        )


class ChangeAnswer(AnswerModel):
    """What became of a change of prices."""

    revision: int | None = Field(description="The revision that was stored; null for a dry run", examples=[2])
    control_id: str | None = Field(description="Its control record; null for a dry run", examples=[ID])
    places: list[PublishedPlace] = Field(description="Where that stands in the log; empty for a dry run")
    notes: list[str] = Field(description="What the reader of an imported list has to say", examples=[[]])
    difference: PriceDifferenceAnswer = Field(description="What changes")


def places_of(published: Published) -> list[PublishedPlace]:
    """Where a record stands in the log."""
    return [PublishedPlace(partition=each, offset=published.places.get(each)) for each in published.partitions]


def values_of(row: PriceRow) -> dict[str, Any]:
    """Fields of the answer for a row."""
    return {name: getattr(row, name) for name in PriceRowAnswer.model_fields}
