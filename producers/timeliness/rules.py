"""Judges event times by the append time of their envelope: a frame in, a verdict per row out."""

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TimeRules:
    """Limits in milliseconds.

    future_ms: an event later than its append time by more than this is refused. late_ms: one older by more than
    this counts as late. cut: events before it are refused (rule E13); without a retention it is the year 2000,
    before which no call can have been made and a wrong unit is the likely cause.
    """

    future_ms: int = 900_000
    late_ms: int = 900_000
    cut: datetime = EARLIEST

    def judged(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Adds `late` (UInt8) and `refusal` (String, "" when the time is fine) from `time` and `append_time`."""
        age_ms = (pl.col("append_time") - pl.col("time")).dt.total_milliseconds()
        future = pl.format(
            "time {} is more than {} s after the log received the event: check the sender's clock",
            pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
            pl.lit(self.future_ms // 1000),
        )
        old = pl.format(
            "too_old: time {} is before {}, the oldest that is kept: check the unit of the time",
            pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
            pl.lit(self.cut.strftime("%Y-%m-%d")),
        )
        fine = pl.lit("")
        verdict = pl.when(age_ms < -self.future_ms).then(future).when(pl.col("time") < self.cut).then(old)
        usual = (age_ms >= -self.future_ms) & (pl.col("time") >= self.cut)
        refusal = fine if frame.select(usual.all()).item() else verdict.otherwise(fine)
        return frame.with_columns(
            (age_ms > self.late_ms).cast(pl.UInt8).alias("late"),
            refusal.alias("refusal"),
        )
