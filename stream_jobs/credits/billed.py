"""What a customer pays: priced usage in, integer nano-USD billed out."""

import polars as pl

from stream_jobs.credits.terms import BILLED_TYPE, FREE_PLAN, PPM
from stream_jobs.credits.terms_table import LocatedTerms
from stream_jobs.pricing.rounding import rounded_half_even


def billed(frame: pl.DataFrame, terms: LocatedTerms) -> pl.DataFrame:
    """The priced frame, rows in their order, with billed_nano_usd (Int64).

    SYSTEM usage is billed at cost x (1 + markup), rounded once, half to even. A customer's own key (BYOK) and the FREE
    plan are billed nothing; their cost stays. `Terms.billed_nano_usd` has the same rules in plain form.
    """
    is_billed = (pl.col("billing_type") == BILLED_TYPE) & (pl.col("plan").str.to_uppercase() != FREE_PLAN)
    amount = pl.when(is_billed).then(_with_markup(terms)).otherwise(pl.lit(0, dtype=pl.Int64))
    return frame.with_columns(amount.alias("billed_nano_usd"))


def _with_markup(terms: LocatedTerms) -> pl.Expr:
    cost_nano_usd = pl.col("cost_nano_usd")
    if not any(each.markup_ppm for each in terms.present):
        return cost_nano_usd
    factor = terms.each(lambda each: PPM + each.markup_ppm, pl.Int64).cast(pl.Int128)
    return rounded_half_even(cost_nano_usd.cast(pl.Int128) * factor, PPM)
