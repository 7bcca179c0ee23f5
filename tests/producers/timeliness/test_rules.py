"""Times are judged by the log's clock."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from producers.timeliness.rules import TimeRules

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def verdict(time: datetime) -> tuple[int, str]:
    frame = pl.DataFrame(
        {"time": [time, NOW], "append_time": [NOW, NOW]},
        schema={"time": pl.Datetime("ms", "UTC"), "append_time": pl.Datetime("ms", "UTC")},
    )
    late, refusal = TimeRules().judged(frame).select("late", "refusal").row(0)
    return late, refusal


@pytest.mark.parametrize(
    ("age", "late"),
    [
        (timedelta(0), 0),
        (timedelta(minutes=15), 0),
        (timedelta(minutes=15, milliseconds=1), 1),
        (timedelta(days=900), 1),
    ],
)
def test_older_than_a_quarter_of_an_hour_is_late(age: timedelta, late: int) -> None:
    assert verdict(NOW - age) == (late, "")


def test_a_little_ahead_is_the_skew_of_clocks() -> None:
    assert verdict(NOW + timedelta(minutes=15)) == (0, "")


def test_further_ahead_is_refused_with_the_cure() -> None:
    _, refusal = verdict(NOW + timedelta(minutes=15, milliseconds=1))
    assert refusal.startswith("time 2026-11-21T12:15:00.001Z is more than 900 s after")
    assert "clock" in refusal


def test_before_the_cut_is_too_old() -> None:
    _, refusal = verdict(datetime(1999, 12, 31, tzinfo=UTC))
    assert refusal.startswith("too_old: time 1999-12-31")
