"""Works out anew what stored events cost: raw events and revisions in, the same rows with new money and credits out."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from stream_jobs.credits.billed import billed
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing.price_book import PriceBook
from tokentally.tokens import TOKEN_BUCKETS

NEEDED: Final = (
    *("organization", "time", "provider", "model", "billing_type", "plan", "reported_cost_nano_usd", "credits_micro"),
    *TOKEN_BUCKETS,
)
"""Columns of usage_raw that prices and credits follow from; with them `quantities` as JSON, see QUANTITIES."""
QUANTITIES: Final = "if(empty(quantities), '', toJSONString(quantities)) AS quantities_text"
"""Quantities as they are read when an event is born: a JSON object, empty without any; to be renamed `quantities`."""


def repriced(
    frame: pl.DataFrame, prices: PriceBook, multipliers: MultiplierTable | None, markup_ppm: Mapping[str, int]
) -> pl.DataFrame:
    """The rows in their order with cost_nano_usd, cost_status, price_revision, priced_as, credits_micro and
    billed_nano_usd of these revisions, as if they were born under them.

    multipliers: None leaves the credits as they are. Costs are not bounded here: a row that `exceeds_cost_bound` must
    not be stored.
    """
    priced = prices.price(frame)
    return billed(priced if multipliers is None else multipliers.credit(priced), markup_ppm)
