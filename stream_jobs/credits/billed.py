"""What a customer pays: priced usage in, integer nano-USD billed out."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.pricing.rounding import rounded_half_even

PPM: Final = 1_000_000
MAX_MARKUP_PPM: Final = 1000 * PPM
FREE_PLAN: Final = "FREE"


def billed(frame: pl.DataFrame, markup_ppm: Mapping[str, int]) -> pl.DataFrame:
    """The priced frame, rows in their order, with billed_nano_usd (Int64).

    SYSTEM usage is billed at cost x (1 + markup), rounded once, half to even. A customer's own key (BYOK) and the FREE
    plan are billed nothing; their cost stays. `markup_ppm` is millionths by organization (200,000: 20 %), 0 for others.

    Raises CreditRulesRefused for a markup below 0 or above 1000 times the cost.
    """
    for organization, ppm in markup_ppm.items():
        if not 0 <= ppm <= MAX_MARKUP_PPM:
            raise CreditRulesRefused(f"{organization}: markup of {ppm} ppm; it must be between 0 and {MAX_MARKUP_PPM}")
    is_billed = (pl.col("billing_type") == "SYSTEM") & (pl.col("plan").str.to_uppercase() != FREE_PLAN)
    amount = pl.when(is_billed).then(_with_markup(markup_ppm)).otherwise(pl.lit(0, dtype=pl.Int64))
    return frame.with_columns(amount.alias("billed_nano_usd"))


def _with_markup(markup_ppm: Mapping[str, int]) -> pl.Expr:
    cost_nano_usd = pl.col("cost_nano_usd")
    if not any(markup_ppm.values()):
        return cost_nano_usd
    factor = PPM + pl.col("organization").replace_strict(dict(markup_ppm), default=0, return_dtype=pl.Int64)
    return rounded_half_even(cost_nano_usd.cast(pl.Int128) * factor.cast(pl.Int128), PPM)
