"""A new price holds from its date on; what was in force before stays in force before."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.editing.dated_sheet import all_day_at, dated_sheets
from stream_jobs.pricing.editing.difference import difference
from stream_jobs.pricing.editing.price import NewPrice, with_end, with_price
from stream_jobs.pricing.editing.rate import Rate, read_rate
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.price_row import ALWAYS
from tokentally.tokens import TOKEN_BUCKETS

MARCH, MAY, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 5, 7))
ROWS = [
    PriceRow("maker", "", "Maker", '{"provider": {"equals": "maker"}}', "", Decimal(0), 1, 0, "list 1"),
    PriceRow(
        "maker", "large", "Large", '{"model": {"starts_with": "large"}}', "input_mtok", Decimal(2), 10**6, 1, "list 1"
    ),
    PriceRow(
        "maker", "large", "Large", '{"model": {"starts_with": "large"}}', "output_mtok", Decimal(8), 10**6, 2, "list 1"
    ),
]


def price(*rates: str, start: datetime = MAY, model: str = "large", **more: object) -> NewPrice:
    return NewPrice("maker", model, tuple(map(read_rate, rates)), start, "hand", **more)  # type: ignore[arg-type]


def usd(
    rows: list[PriceRow], at: datetime, model: str = "large", organization: str = "", tier: str = "", **tokens: int
) -> object:
    """What a call costs at an instant: USD as an integer, and its status."""
    book = PriceBook.from_rows(rows, revision=1)
    usage = dict.fromkeys(TOKEN_BUCKETS, 0) | {f"{name}_tokens": count for name, count in tokens.items()}
    event = {"organization": organization or "acme", "provider": "maker", "model": model, "time": at, "quantities": ""}
    event |= {"service_tier": tier}
    frame = pl.DataFrame([event | usage | {"reported_cost_nano_usd": None}]).with_columns(
        pl.col("time").cast(pl.Datetime("ms", "UTC")), pl.col("reported_cost_nano_usd").cast(pl.Int64)
    )
    cost, status = book.price(frame).select("cost_nano_usd", "cost_status").row(0)
    return cost / 10**9, status


MILLION = 10**6


def test_what_is_not_named_goes_on() -> None:
    rows = with_price(ROWS, price("input_mtok=3"))
    assert usd(rows, MARCH, input=MILLION, output=MILLION) == (10, "priced")
    assert usd(rows, MAY, input=MILLION, output=MILLION) == (11, "priced")
    assert usd(with_price(ROWS, price("input_mtok=3", only=True)), MAY, output=1) == (0, "partial")


def test_the_sources_of_what_goes_on_stay_those_they_were() -> None:
    rows = with_price(ROWS, price("input_mtok=3"))
    assert {(row.unit, row.source) for row in rows if row.effective_from == MAY} == {
        ("input_mtok", "hand"),
        ("output_mtok", "list 1"),
    }
    assert [row.position for row in rows] == list(range(5))


def test_a_price_between_two_others_holds_until_the_later_one() -> None:
    rows = with_price(ROWS, price("input_mtok=5", start=JULY))
    rows = with_price(rows, price("input_mtok=3", start=MAY))
    assert [usd(rows, at, input=MILLION) for at in (MARCH, MAY, JULY)] == [(2, "priced"), (3, "priced"), (5, "priced")]


def test_the_same_date_again_replaces_only_that_price() -> None:
    rows = with_price(with_price(ROWS, price("input_mtok=3")), price("output_mtok=9"))
    assert usd(rows, MAY, input=MILLION, output=MILLION) == (12, "priced")
    assert len(dated_sheets(rows[1:])) == 2
    assert with_price(rows, price("output_mtok=9")) == rows


def test_tiers_of_a_named_unit_are_those_that_are_given() -> None:
    rows = with_price(ROWS, price("input_mtok=3", "input_mtok@200000=6"))
    assert usd(rows, MAY, input=200_000) == (0.6, "priced")
    assert usd(rows, MAY, input=400_000) == (2.4, "priced")
    rows = with_price(rows, price("input_mtok=3", start=JULY))
    assert usd(rows, JULY, input=400_000) == (1.2, "priced")


def test_a_tier_alone_leaves_the_price_below_it_and_other_tiers() -> None:
    rows = with_price(ROWS, price("input_mtok=3", "input_mtok@200000=6"))
    rows = with_price(rows, price("input_mtok@500000=9", start=JULY))
    costs = [usd(rows, JULY, input=tokens)[0] for tokens in (200_000, 400_000, 600_000)]  # type: ignore[index]
    assert costs == [0.6, 2.4, 5.4]


def test_a_daily_window_leaves_the_rest_of_the_day() -> None:
    rows = with_price(ROWS, price("input_mtok=1", daily_from="22:00:00", daily_to="02:00:00"))
    assert usd(rows, MAY.replace(hour=23), input=MILLION, output=MILLION) == (9, "priced")
    assert usd(rows, MAY.replace(hour=12), input=MILLION) == (2, "priced")
    assert usd(rows, MARCH.replace(hour=23), input=MILLION) == (2, "priced")
    alone = with_price(rows, price("input_mtok=5", start=JULY, only=True))
    assert usd(alone, JULY.replace(hour=23), input=MILLION) == (5, "priced"), "what is not named ends, the window too"


NIGHT = MARCH.replace(hour=20)
NIGHTLY: dict[str, Any] = {"daily_from": "16:30:00", "daily_to": "00:30:00"}
OFF_PEAK = [
    *ROWS,
    *(replace(row, price_usd=row.price_usd / 2, position=row.position + 2, **NIGHTLY) for row in ROWS[1:]),
]


@pytest.mark.parametrize("organization", ["", "acme"])
def test_a_price_for_all_day_leaves_the_daily_windows(organization: str) -> None:
    everyones = OFF_PEAK if organization else []
    rows = with_price(
        [] if organization else OFF_PEAK, price("input_mtok=3", start=MARCH, organization=organization), everyones
    )
    assert usd([*everyones, *rows], NIGHT, input=MILLION, output=MILLION) == (5, "priced")
    assert usd([*everyones, *rows], NIGHT.replace(hour=12), input=MILLION, output=MILLION) == (11, "priced")
    shown = difference([] if organization else OFF_PEAK, rows, everyones)
    assert [(each.row.unit, each.row.daily_from, each.percent) for each in shown.prices] == [
        ("input_mtok", "", Decimal("50.00"))
    ]
    again = with_price(rows, price("input_mtok=3", start=MARCH, organization=organization), everyones)
    assert again == rows


@pytest.mark.parametrize("window_first", [True, False])
def test_a_window_and_a_price_for_all_day_of_one_date_hold_in_either_order(*, window_first: bool) -> None:
    window, all_day = price("input_mtok=1", start=MARCH, **NIGHTLY), price("input_mtok=3", start=MARCH)
    rows = ROWS
    for each in (window, all_day) if window_first else (all_day, window):
        rows = with_price(rows, each)
    assert usd(rows, NIGHT, input=MILLION) == (1, "priced")
    assert usd(rows, NIGHT.replace(hour=12), input=MILLION) == (3, "priced")


def test_batch_windows_of_everyone_go_on_under_an_organizations_first_price() -> None:
    batch = replace(ROWS[1], price_usd=Decimal(1), position=3, service_tier="batch")
    everyones = [*ROWS, batch, replace(batch, price_usd=Decimal("0.5"), position=4, **NIGHTLY)]
    rows = [*everyones, *with_price([], price("input_mtok=3", start=MARCH, organization="acme"), everyones)]
    assert usd(rows, NIGHT, input=MILLION) == (3, "priced")
    assert usd(rows, NIGHT, tier="batch", input=MILLION) == (0.5, "priced")
    assert usd(rows, NIGHT.replace(hour=12), tier="batch", input=MILLION) == (1, "priced")


EVENING: dict[str, Any] = {"daily_from": "20:00:00", "daily_to": "04:00:00"}


def test_a_window_of_a_service_tier_leaves_the_rest_of_its_day() -> None:
    batch = replace(ROWS[1], price_usd=Decimal(1), position=3, service_tier="batch")
    everyones = [*ROWS, batch, replace(batch, price_usd=Decimal("0.5"), position=4, **NIGHTLY)]
    new = price("output_mtok=4", start=MARCH, organization="acme", service_tier="batch", **EVENING)
    rows = [*everyones, *with_price([], new, everyones)]
    assert usd(rows, NIGHT, tier="batch", output=MILLION) == (4, "priced")
    for hour, expected in ((12, 1), (17, 0.5)):
        assert usd(rows, MARCH.replace(hour=hour), tier="batch", input=MILLION) == (expected, "priced")
        assert usd(rows, MARCH.replace(hour=hour), tier="batch", output=MILLION) == (8, "priced")
    assert usd(rows, NIGHT, input=MILLION, output=MILLION) == (10, "priced")


def test_a_service_tier_with_prices_for_some_hours_alone_keeps_them() -> None:
    batch = replace(ROWS[1], price_usd=Decimal(1), position=3, service_tier="batch", **NIGHTLY)
    everyones = [*ROWS, batch]
    rows = [*everyones, *with_price([], price("output_mtok=9", start=MARCH, organization="acme"), everyones)]
    assert usd(rows, NIGHT, tier="batch", input=MILLION, output=MILLION) == (10, "priced")
    assert usd(rows, NIGHT.replace(hour=12), tier="batch", input=MILLION, output=MILLION) == (11, "priced")


@pytest.mark.parametrize("hours", [("16:00:00", "20:00:00"), ("18:00:00", "19:00:00"), ("23:00:00", "02:00:00")])
def test_a_window_that_is_set_again_changes_nothing_beside_hours_of_a_service_tier(hours: tuple[str, str]) -> None:
    batch = replace(ROWS[1], price_usd=Decimal(1), position=3, service_tier="batch", **NIGHTLY)
    everyones = [*ROWS, batch]
    new = price("output_mtok=9", organization="acme", daily_from=hours[0], daily_to=hours[1])
    own = with_price([], new, everyones)
    assert with_price(own, new, everyones) == own


def test_hours_that_cost_an_organizations_standard_price_still_do_where_everyones_batch_hours_overlap() -> None:
    hours: dict[str, Any] = {"daily_from": "22:00:00", "daily_to": "06:00:00"}
    own = with_price([], price("output_mtok=9", organization="acme", **hours), ROWS)
    batch = replace(ROWS[2], price_usd=Decimal(1), position=3, service_tier="batch", **EVENING)
    for made in (own, with_price(own, price("input_mtok=3", organization="acme"), [*ROWS, batch])):
        costs = [
            usd([*ROWS, batch, *made], MAY.replace(hour=hour), tier="batch", output=MILLION) for hour in (12, 21, 23, 5)
        ]
        assert costs == [(8, "priced"), (1, "priced"), (9, "priced"), (9, "priced")]


def test_a_price_of_a_service_tier_holds_in_the_hours_of_a_standard_window() -> None:
    own = with_price(ROWS, price("input_mtok=1", start=MARCH, **NIGHTLY))
    rows = with_price(own, price("input_mtok=4", service_tier="batch"))
    for hour in (12, 17):
        assert usd(rows, MAY.replace(hour=hour), tier="batch", input=MILLION) == (4, "priced")
        assert usd(rows, MAY.replace(hour=hour), input=MILLION) == (2 if hour == 12 else 1, "priced")


@pytest.mark.parametrize("tier", ["", "batch"])
def test_windows_go_on_beside_a_price_for_other_hours_of_a_service_tier(tier: str) -> None:
    flex = replace(ROWS[1], price_usd=Decimal(5), position=9, service_tier="flex")
    everyones = [*OFF_PEAK, flex, replace(flex, price_usd=Decimal(4), position=10, **NIGHTLY)]
    hours = {"daily_from": "09:00:00", "daily_to": "10:00:00"}
    new = price("output_mtok=1", start=MARCH, organization="acme", service_tier=tier, **hours)
    rows = [*everyones, *with_price([], new, everyones)]
    for organization in ("acme", "zen"):
        assert usd(rows, NIGHT, organization=organization, input=MILLION, output=MILLION) == (5, "priced")
        assert usd(rows, NIGHT, organization=organization, tier="flex", input=MILLION) == (4, "priced")
        at_noon = MARCH.replace(hour=12)
        assert usd(rows, at_noon, organization=organization, input=MILLION, output=MILLION) == (10, "priced")
        assert usd(rows, at_noon, organization=organization, tier="flex", input=MILLION) == (5, "priced")
    assert usd(rows, MARCH.replace(hour=9), tier=tier, input=MILLION, output=MILLION) == (3, "priced")


def test_a_new_model_is_found_before_the_patterns_of_others() -> None:
    rows = with_price(ROWS, price("input_mtok=7", model="large-own"))
    assert usd(rows, MAY, "large-own", input=MILLION) == (7, "priced")
    assert usd(rows, MAY, "large-other", input=MILLION) == (2, "priced")
    assert usd(rows, MARCH, "large-own", input=MILLION) == (2, "priced"), "until then it is found by the pattern"
    assert usd(rows, MAY, "large-own", output=MILLION) == (8, "priced"), "what is not named goes on"


def test_the_default_of_a_provider_is_for_what_nothing_else_names() -> None:
    rows = with_price(ROWS, price("input_mtok=1", model="*", start=ALWAYS))
    rows = with_price(rows, price("input_mtok=7", model="own", start=ALWAYS))
    assert usd(rows, MAY, "never-heard-of", input=MILLION) == (1, "priced")
    assert usd(rows, MAY, "large-2", input=MILLION) == (2, "priced")
    assert usd(rows, MAY, "own", input=MILLION) == (7, "priced")


def test_free() -> None:
    rows = with_price(ROWS, price(free=True))
    assert usd(rows, MAY, input=MILLION) == (0, "free")
    assert usd(rows, MARCH, input=MILLION) == (2, "priced")


def test_an_organizations_price_begins_with_the_rates_of_everyone() -> None:
    own = with_price([], price("input_mtok=1", organization="acme"), ROWS)
    assert [(row.organization, row.unit, row.match) for row in own] == [
        ("acme", "output_mtok", ""),
        ("acme", "input_mtok", ""),
    ]
    rows = [*ROWS, *own]
    assert usd(rows, MAY, "large-alias", input=MILLION, output=MILLION) == (9, "priced")
    assert usd(rows, MARCH, input=MILLION, output=MILLION) == (10, "priced")
    assert usd(rows, MAY, organization="zeta", input=MILLION) == (2, "priced")


BATCH = [*ROWS, replace(ROWS[1], price_usd=Decimal(1), position=3, service_tier="batch")]


def test_a_service_tier_has_prices_of_its_own() -> None:
    rows = with_price(BATCH, price("input_mtok=3"))
    assert usd(rows, MAY, input=MILLION) == (3, "priced")
    assert usd(rows, MAY, tier="batch", input=MILLION, output=MILLION) == (9, "priced"), (
        "it goes on beside the standard"
    )
    rows = with_price(rows, price("output_mtok=4", service_tier="batch"))
    assert usd(rows, MAY, tier="batch", input=MILLION, output=MILLION) == (5, "priced")
    assert usd(rows, MAY, input=MILLION, output=MILLION) == (11, "priced")
    rows = with_end(rows, "", "maker", "large", JULY, "hand")
    assert [usd(rows, JULY, tier=tier, input=MILLION) for tier in ("", "batch")] == [(0, "unpriced")] * 2


def test_an_organizations_first_price_leaves_service_tiers_as_they_are_for_everyone() -> None:
    own = with_price([], price("input_mtok=5", organization="acme"), BATCH)
    rows = [*BATCH, *own]
    assert usd(rows, MAY, input=MILLION) == (5, "priced")
    assert usd(rows, MAY, tier="batch", input=MILLION) == (1, "priced")
    assert usd(rows, MARCH, tier="batch", input=MILLION) == (1, "priced")


def test_an_end_and_a_new_beginning() -> None:
    rows = with_end(ROWS, "", "maker", "large", MAY, "hand")
    assert usd(rows, MARCH, input=MILLION) == (2, "priced")
    assert usd(rows, MAY, input=MILLION) == (0, "unpriced")
    rows = with_price(rows, price("input_mtok=3", start=JULY))
    assert usd(rows, JULY, input=MILLION) == (3, "priced")
    assert usd(rows, JULY, output=1) == (0, "partial"), "after an end nothing goes on"
    sheet = all_day_at(dated_sheets(row for row in rows if row.model), JULY)
    assert sheet is not None
    assert [row.unit for row in sheet.rows] == ["input_mtok"]


def test_an_end_before_a_price_that_begins_later_is_refused() -> None:
    rows = with_price(ROWS, price("input_mtok=3", start=JULY))
    with pytest.raises(PriceListRefused, match="has a price from 2026-07-01 00:00:00 on: end it from then, or later"):
        with_end(rows, "", "maker", "large", MAY, "hand")
    with pytest.raises(PriceListRefused, match="maker/large has no price of its own for acme"):
        with_end([], "acme", "maker", "large", MAY, "hand")


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (price(), "say what it costs"),
        (price("input_mtok=1", free=True), "say what it costs"),
        (price("input_mtok=1", "input_mtok=2"), "given twice"),
    ],
)
def test_what_says_nothing_or_two_things_is_refused(wanted: NewPrice, problem: str) -> None:
    with pytest.raises(PriceListRefused, match=problem):
        with_price(ROWS, wanted)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("input_mtok", "is no price: write UNIT=USD"),
        ("input_mtok=", "is no price"),
        ("input_mtok=cheap", "'cheap' is no number"),
        ("input_mtoks=1", "there is no unit input_mtoks; units are"),
        ("input_mtok@-1=1", "is no price"),
        ("input_mtok=NaN", "'NaN' is no number; write USD like 2.5"),
        ("input_mtok=sNaN", "'sNaN' is no number"),
        ("input_mtok=-Infinity", "'-Infinity' is no number"),
        ("input_mtok=1e-1000000", "'1e-1000000' is no number"),
        ("input_mtok=1e99999999999999999999", "is no number"),
        ("input_mtok@1000000000001=1", "a tier starts at 1,000,000,000,000 or below"),
        (f"input_mtok@{'9' * 5000}=1", "a tier starts at 1,000,000,000,000 or below"),
    ],
)
def test_a_price_that_cannot_be_read_says_what_to_write(text: str, problem: str) -> None:
    with pytest.raises(PriceListRefused, match=problem):
        read_rate(text)


def test_prices_are_read_exactly() -> None:
    assert read_rate("input_mtok@200000=0.000000000000000001") == Rate("input_mtok", Decimal("1e-18"), 200_000)


def test_every_model_of_the_catalogue_can_be_set_and_keeps_its_place() -> None:
    rows = catalogue_rows()
    last = next(row for row in reversed(rows) if row.model)
    made = with_price(rows, NewPrice(last.provider, last.model, (Rate("input_mtok", Decimal(1)),), MAY, "hand"))
    names = list(dict.fromkeys((row.provider, row.model) for row in made))
    assert names == list(dict.fromkeys((row.provider, row.model) for row in rows))
    kept = [replace(row, position=0) for row in made if row.effective_from != MAY]
    assert kept == [replace(row, position=0) for row in rows]


def test_what_lies_above_a_quantity_may_have_its_own_price() -> None:
    assert read_rate("input_mtok@+200000=5") == Rate("input_mtok", Decimal(5), 200_000, marginal=True)
    rates = (Rate("input_mtok", Decimal(2)), Rate("input_mtok", Decimal(5), 200_000, marginal=True))
    made = with_price([], NewPrice("maker", "large", rates, MAY, "hand"))
    assert [(row.tier_start, row.price_usd, row.marginal) for row in made] == [
        (0, Decimal(2), False),
        (200_000, Decimal(5), True),
    ]
