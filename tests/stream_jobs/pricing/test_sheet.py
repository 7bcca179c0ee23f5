"""Dates, daily windows and tiers of one model, and the lists that are refused."""

from datetime import UTC, datetime

import pytest

from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.price_row import NO_RATES, PriceRow
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


def _prices(rows: list[PriceRow], service_tier: str, time_ms: int) -> dict[str, str]:
    """What holds at a time: the last sheet that is active."""
    active = [sheet for sheet in sheets(rows, service_tier) if sheet.is_active(time_ms)]
    if not active:
        return {}
    return {unit.price_key: str(price) for unit, (price, _) in active[-1].cards[-1].rates.items()}


def test_a_service_tier_replaces_the_prices_it_names(price_rows: PriceRows) -> None:
    rows = [
        *price_rows(input_mtok="2", output_mtok="8", tiers={100: {"input_mtok": "4"}}),
        *price_rows(input_mtok="1", position=10, when={"service_tier": "batch"}),
    ]
    assert _prices(rows, "", NOON) == {"input_mtok": "4", "output_mtok": "8"}
    assert _prices(rows, "batch", NOON) == {"output_mtok": "8", "input_mtok": "1"}
    assert _prices(rows, "flex", NOON) == _prices(rows, "", NOON)


def test_standard_and_service_tier_change_each_at_its_own_time(price_rows: PriceRows) -> None:
    day = [datetime(2026, 1, n, tzinfo=UTC) for n in (1, 2, 3, 4)]
    rows = [
        *price_rows(input_mtok="2", output_mtok="8"),
        *price_rows(output_mtok="9", input_mtok="3", position=10, when={"effective_from": day[2]}),
        *price_rows(input_mtok="1", position=20, when={"service_tier": "batch", "effective_from": day[1]}),
    ]
    found = [_prices(rows, "batch", int(at.timestamp() * 1000)) for at in day]
    assert [(prices["input_mtok"], prices["output_mtok"]) for prices in found] == [
        ("2", "8"),
        ("1", "8"),
        ("1", "9"),
        ("1", "9"),
    ]


def test_the_end_of_a_model_ends_its_service_tiers_and_theirs_leaves_the_standard_rates(price_rows: PriceRows) -> None:
    batch = {"service_tier": "batch"}
    end = {"effective_from": datetime(2026, 1, 2, tzinfo=UTC)}
    noon = int(datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp() * 1000)
    both = [*price_rows(input_mtok="2"), *price_rows(input_mtok="1", position=10, when=batch)]
    assert _prices([*both, *price_rows(**{NO_RATES: "0"}, position=20, when=end)], "batch", noon) == {}
    ended = [*both, *price_rows(**{NO_RATES: "0"}, position=20, when=batch | end)]
    assert _prices(ended, "batch", noon) == {"input_mtok": "2"}


def test_a_service_tier_may_be_all_that_a_model_has(price_rows: PriceRows) -> None:
    rows = price_rows(input_mtok="1", when={"service_tier": "batch"})
    assert sheets(rows) == ()
    assert _prices(rows, "batch", NOON) == {"input_mtok": "1"}


def test_before_the_standard_rates_begin_a_service_tier_stands_alone(price_rows: PriceRows) -> None:
    later = {"effective_from": datetime(2026, 1, 2, tzinfo=UTC)}
    rows = [
        *price_rows(input_mtok="2", output_mtok="8", when=later),
        *price_rows(input_mtok="1", position=10, when={"service_tier": "batch"}),
    ]
    assert _prices(rows, "batch", NOON) == {"input_mtok": "1"}


@pytest.mark.parametrize(
    "windows", [(1, 5, 3, 9), (22, 4, 2, 8), (22, 4, 20, 23), (20, 10, 8, 22), (1, 3, 5, 7), (5, 9, 1, 23)]
)
def test_windows_of_both_hold_where_they_overlap(price_rows: PriceRows, windows: tuple[int, int, int, int]) -> None:
    """Hours of a standard night rate and of a batch rate: at each hour the one, the other, both or neither."""
    usual_from, usual_to, batch_from, batch_to = windows
    rows = [
        *price_rows(input_mtok="10", output_mtok="10"),
        *price_rows(input_mtok="5", output_mtok="5", position=10, when=_window(usual_from, usual_to)),
        *price_rows(input_mtok="1", position=20, when=_window(batch_from, batch_to) | {"service_tier": "batch"}),
    ]
    for hour in range(24):
        by_batch = "1" if _inside(hour, batch_from, batch_to) else None
        usual = "5" if _inside(hour, usual_from, usual_to) else "10"
        found = _prices(rows, "batch", hour * HOUR_MS)
        assert (found["input_mtok"], found["output_mtok"]) == (by_batch or usual, usual), hour


def _window(start: int, end: int) -> dict[str, str]:
    return {"daily_from": f"{start:02}:00:00", "daily_to": f"{end:02}:00:00"}


def _inside(hour: int, start: int, end: int) -> bool:
    return start <= hour < end if start < end else hour >= start or hour < end
