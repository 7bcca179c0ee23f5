"""Times are judged by the log's clock."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from producers.timeliness.rules import TimeRules

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def verdict(time: datetime, rules: TimeRules = TimeRules()) -> tuple[int, str]:  # noqa: B008
    frame = pl.DataFrame(
        {"time": [time, NOW], "append_time": [NOW, NOW]},
        schema={"time": pl.Datetime("ms", "UTC"), "append_time": pl.Datetime("ms", "UTC")},
    )
    late, refusal = rules.judged(frame).select("late", "refusal").row(0)
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


def test_e13_without_a_retention_history_of_any_age_is_counted() -> None:
    assert verdict(NOW - timedelta(days=9000)) == (1, "")


def test_e13_with_a_retention_the_cut_lies_a_week_before_anything_may_be_deleted() -> None:
    rules = TimeRules(retention_days=90)
    assert verdict(NOW - timedelta(days=83), rules) == (1, "")
    late, refusal = verdict(NOW - timedelta(days=83, milliseconds=1), rules)
    assert late == 1
    assert refusal == (
        "too_old: time 2026-08-30T11:59:59.999Z is more than 83 days before the log received the event "
        "(2026-11-21T12:00:00.000Z): raw usage is kept for 90 days (TALLY_USAGE_RETENTION_DAYS)"
    )
