"""Dates, daily windows and tiers of one model, and the lists that are refused."""

from datetime import UTC, datetime

import pytest

from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.sheet import DAY_MS, sheets

from .conftest import PriceRows

NOON = int(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()) * 1000
HOUR_MS = 3_600_000


def test_a_price_holds_from_its_date_on(price_rows: PriceRows) -> None:
    start = datetime(2026, 1, 1, 12, tzinfo=UTC)
    (sheet,) = sheets(price_rows(input_mtok="1", when={"effective_from": start}))
    assert [sheet.is_active(NOON + shift) for shift in (-1, 0, 1, DAY_MS)] == [False, True, True, True]


def test_a_daily_window_includes_its_start_and_not_its_end(price_rows: PriceRows) -> None:
    (sheet,) = sheets(price_rows(input_mtok="1", when={"daily_from": "12:00:00", "daily_to": "13:00:00"}))
    shifts = (-1, 0, HOUR_MS - 1, HOUR_MS, DAY_MS)
    assert [sheet.is_active(NOON + shift) for shift in shifts] == [False, True, True, False, True]


def test_a_daily_window_may_cross_midnight(price_rows: PriceRows) -> None:
    (sheet,) = sheets(price_rows(input_mtok="1", when={"daily_from": "22:00:00", "daily_to": "12:00:00"}))
    shifts = (-1, 0, 10 * HOUR_MS - 1, 10 * HOUR_MS)
    assert [sheet.is_active(NOON + shift) for shift in shifts] == [True, False, False, True]


def test_sheets_stand_in_the_order_of_their_positions(price_rows: PriceRows) -> None:
    later = price_rows(input_mtok="2", position=10, when={"daily_from": "01:00:00", "daily_to": "02:00:00"})
    earlier = price_rows(input_mtok="1", position=0)
    assert [sheet.daily_length_ms for sheet in sheets([*later, *earlier])] == [DAY_MS, HOUR_MS]


def test_a_tier_keeps_the_rates_it_does_not_change(price_rows: PriceRows) -> None:
    rows = price_rows(input_mtok="1", output_mtok="4", tiers={200_000: {"input_mtok": "2"}})
    (sheet,) = sheets(rows)
    assert [card.tier_start for card in sheet.cards] == [0, 200_000]
    assert [{unit.price_key: str(price) for unit, (price, _) in card.rates.items()} for card in sheet.cards] == [
        {"input_mtok": "1", "output_mtok": "4"},
        {"input_mtok": "2", "output_mtok": "4"},
    ]


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        ({"input_mtok": "-1"}, "0 or more"),
        ({"input_mtok": "NaN"}, "0 or more"),
        ({"input_mtok": "Infinity"}, "0 or more"),
        ({"input_mtok": "10000000"}, "below 10000000"),
        ({"input_mtok": "0.0000000000000000001"}, "18 decimal places"),
        ({"input_apples": "1"}, "unit that does not exist"),
        ({"input_mtok": "1", "cache_read_mtok": "1", "input_audio_mtok": "1"}, "add one for the usage that is both"),
    ],
)
def test_a_price_that_cannot_be_right_is_refused(price_rows: PriceRows, prices: dict[str, str], told: str) -> None:
    with pytest.raises(PriceListRefused, match=told) as refused:
        sheets(price_rows(**prices))
    assert "maker/large" in str(refused.value)


@pytest.mark.parametrize("window", [{"daily_from": "25:00"}, {"daily_from": "1pm", "daily_to": "14:00:00"}])
def test_a_window_that_is_no_time_of_day_is_refused(price_rows: PriceRows, window: dict[str, str]) -> None:
    with pytest.raises(PriceListRefused, match="HH:MM:SS"):
        sheets(price_rows(input_mtok="1", when=window))
