"""Judges event times by the append time of their envelope: a frame in, a verdict per row out."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

DAY_MS = 86_400_000
MARGIN_DAYS = 7
"""How much earlier than its data may be deleted a day is closed to late events."""
FUTURE_MS = 900_000
"""How far a sender's clock may be ahead of the log's."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TimeRules:
    """Limits in milliseconds.

    future_ms: an event later than its append time by more than this is refused. late_ms: one older by more than
    this counts as late. cut: events before it are refused; it is the year 2000, before which no call can have been
    made and a wrong unit is the likely cause. retention_days: raw events and quarter hours may be deleted when they
    are older than this; events older than it minus a week are refused, so that no day is recomputed from what is left
    of it (rule E13). None: everything is kept, and history of any age is counted.
    """

    future_ms: int = FUTURE_MS
    late_ms: int = 900_000
    cut: datetime = EARLIEST
    retention_days: int | None = None

    def first_whole_day(self, now: datetime) -> date | None:
        """The first date, in any time zone, of which nothing may have been deleted at `now`; None: of none ever."""
        if self.retention_days is None:
            return None
        return (now - timedelta(days=self.retention_days - MARGIN_DAYS - 2)).date()

    def left(self, events: int, before: date) -> str:
        """What people are told of a correction that leaves events of days before the first whole one as they are."""
        are = "event is" if events == 1 else "events are"
        return (
            f"{events:,} {are} left as counted, of days before {before}: raw usage may be deleted once it is "
            f"{self.retention_days} days old (TALLY_USAGE_RETENTION_DAYS), so these days are not computed again"
        )

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
        if self.retention_days is not None:
            oldest_days = self.retention_days - MARGIN_DAYS
            within = age_ms <= oldest_days * DAY_MS
            verdict, usual = verdict.when(~within).then(self._expired(oldest_days)), usual & within
        refusal = fine if frame.select(usual.all()).item() else verdict.otherwise(fine)
        return frame.with_columns(
            (age_ms > self.late_ms).cast(pl.UInt8).alias("late"),
            refusal.alias("refusal"),
        )

    def _expired(self, oldest_days: int) -> pl.Expr:
        return pl.format(
            "too_old: time {} is more than {} days before the log received the event ({}): raw usage is kept for {} "
            "days (TALLY_USAGE_RETENTION_DAYS)",
            pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
            pl.lit(oldest_days),
            pl.col("append_time").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
            pl.lit(self.retention_days),
        )
