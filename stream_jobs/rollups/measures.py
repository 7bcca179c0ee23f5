"""What one event adds to its rows: a priced frame in, the measure columns of every family out."""

import polars as pl

from warehouse.families import INPUT_BUCKETS, OUTPUT_BUCKETS

QUARTER_MS = 900_000


def bucket() -> pl.Expr:
    """Start of the event's quarter hour (Unix seconds, UInt32): every real UTC offset is a multiple of it."""
    quarter = pl.col("time").dt.epoch("ms") // QUARTER_MS
    return (quarter * (QUARTER_MS // 1000)).cast(pl.UInt32).alias("bucket")


def with_measures(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds the measures that are not columns of the event itself.

    Needs status, the token buckets, duration_ms, time_to_first_token_ms, rating, cost_status and late.
    Measures are Int64; nulls count as zero.
    """
    duration, first_token, rating = pl.col("duration_ms"), pl.col("time_to_first_token_ms"), pl.col("rating")
    one = pl.lit(1, dtype=pl.Int64)
    return frame.with_columns(
        one.alias("requests"),
        (pl.col("status") != "success").cast(pl.Int64).alias("errors"),
        pl.sum_horizontal(INPUT_BUCKETS).alias("total_input_tokens"),
        pl.sum_horizontal(OUTPUT_BUCKETS).alias("total_output_tokens"),
        duration.fill_null(0),
        duration.is_not_null().cast(pl.Int64).alias("timed_requests"),
        first_token.fill_null(0),
        first_token.is_not_null().cast(pl.Int64).alias("first_token_requests"),
        pl.col("cost_status").is_in(["unpriced", "partial"]).cast(pl.Int64).alias("unpriced_requests"),
        pl.col("late").cast(pl.Int64).alias("late_requests"),
        rating.fill_null(0).alias("rating_sum"),
        rating.is_not_null().cast(pl.Int64).alias("rated_requests"),
    )
