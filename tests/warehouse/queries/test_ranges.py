"""Ranges of days: what each preset means today, and what it is compared with."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.queries.ranges import DayRange, InvalidRange, Preset, months_before, previous, resolved

TODAY = date(2026, 3, 31)


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        ("today", "2026-03-31", "2026-03-31"),
        ("yesterday", "2026-03-30", "2026-03-30"),
        ("7d", "2026-03-25", "2026-03-31"),
        ("30d", "2026-03-02", "2026-03-31"),
        ("3m", "2026-01-01", "2026-03-31"),
        ("6m", "2025-10-01", "2026-03-31"),
        ("month", "2026-03-01", "2026-03-31"),
    ],
)
def test_presets(preset: str, first: str, last: str) -> None:
    assert resolved(Preset(preset), TODAY) == DayRange(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        ("today", "2026-03-30", "2026-03-30"),
        ("yesterday", "2026-03-29", "2026-03-29"),
        ("7d", "2026-03-18", "2026-03-24"),
        ("3m", "2025-10-01", "2025-12-31"),
        ("6m", "2025-04-01", "2025-09-30"),
        ("month", "2026-02-01", "2026-02-28"),
    ],
)
def test_the_period_before(preset: str, first: str, last: str) -> None:
    days = resolved(Preset(preset), TODAY)
    assert previous(Preset(preset), days) == DayRange(date.fromisoformat(first), date.fromisoformat(last))


def test_custom_days_are_compared_with_as_many_before() -> None:
    days = resolved(Preset.CUSTOM, TODAY, date(2026, 3, 1), date(2026, 3, 3))
    assert days.days == 3
    assert previous(Preset.CUSTOM, days) == DayRange(date(2026, 2, 26), date(2026, 2, 28))


@pytest.mark.parametrize(
    ("preset", "first", "last", "message"),
    [
        (Preset.CUSTOM, date(2026, 3, 1), None, "range=custom needs both from and to"),
        (Preset.CUSTOM, date(2026, 3, 2), date(2026, 3, 1), "from 2026-03-02 is after to 2026-03-01; swap them"),
        (Preset.CUSTOM, date(1969, 1, 1), date(2026, 3, 1), "days from 1970-01-01 to 2149-06-06 are kept"),
        (Preset.TODAY, date(2026, 3, 1), None, "from and to need range=custom, not range=today"),
    ],
)
def test_refused(preset: Preset, first: date, last: date | None, message: str) -> None:
    with pytest.raises(InvalidRange, match=message):
        resolved(preset, TODAY, first, last)


@given(
    st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.sampled_from([preset for preset in Preset if preset != "custom"])
)
def test_every_range_follows_the_one_before_without_touching_it(today: date, preset: Preset) -> None:
    days = resolved(preset, today)
    before = previous(preset, days)
    assert before.first <= before.last < days.first <= days.last <= today
    if preset is not Preset.MONTH:
        assert before.last + timedelta(days=1) == days.first


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(0, 40))
def test_months_before_keeps_the_day_or_the_end_of_the_month(day: date, months: int) -> None:
    earlier = months_before(day, months)
    assert (day.year * 12 + day.month) - (earlier.year * 12 + earlier.month) == months
    assert earlier.day == day.day or (earlier + timedelta(days=1)).day == 1
