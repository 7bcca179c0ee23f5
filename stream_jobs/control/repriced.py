"""Works out anew what stored events cost: raw events and revisions in, the same rows with new money and credits out."""

from typing import Final

import polars as pl

from stream_jobs.credits.billed import billed
from stream_jobs.credits.count import exceeds_credits_bound
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.credits.terms_table import LocatedTerms
from stream_jobs.pricing.price_book import PriceBook, exceeds_cost_bound
from tokentally.tokens import TOKEN_BUCKETS

NEEDED: Final = (
    *("organization", "time", "provider", "model", "service_tier", "billing_type", "plan"),
    *("reported_cost_nano_usd", "credits_micro"),
    *TOKEN_BUCKETS,
)
"""Columns of usage_raw that prices and credits follow from; with them `quantities` as JSON, see QUANTITIES."""
QUANTITIES: Final = "if(empty(quantities), '', toJSONString(quantities)) AS quantities_text"
"""Quantities as they are read when an event is born: a JSON object, empty without any; to be renamed `quantities`."""


TOO_EXPENSIVE: Final = "the event would cost more than 1,000,000 USD: check the unit of its token counts and quantities"
TOO_MANY_CREDITS: Final = (
    "the event would count more than 1,000,000,000 credits: check its token counts and the credits of its organization"
)


def repriced(frame: pl.DataFrame, prices: PriceBook, multipliers: MultiplierTable) -> pl.DataFrame:
    """The rows in their order with cost_nano_usd, cost_status, price_revision, priced_as, credits_micro and
    billed_nano_usd of these revisions, as if they were born under them.

    Nothing is bounded here: a row that has an `excess` must not be stored.
    """
    priced = prices.price(frame)
    terms = multipliers.terms.located(priced)
    return billed(multipliers.credit(priced, terms), terms)


def cost_alone(frame: pl.DataFrame, prices: PriceBook, terms: LocatedTerms) -> pl.DataFrame:
    """The same with the credits as they are: what is billed follows the new cost by the events' own terms."""
    return billed(prices.price(frame), terms)


def excess(frame: pl.DataFrame) -> pl.Series:
    """Why a repriced row must not be stored: its cost or credits are absurd, and sums would suffer; else empty."""
    costs, counts = exceeds_cost_bound(frame), exceeds_credits_bound(frame)
    if not (costs.any() or counts.any()):
        return pl.repeat("", frame.height, eager=True, dtype=pl.String)
    reason = pl.when(pl.lit(costs)).then(pl.lit(TOO_EXPENSIVE)).when(pl.lit(counts)).then(pl.lit(TOO_MANY_CREDITS))
    return frame.select(reason.otherwise(pl.lit("")).alias("excess")).to_series()
