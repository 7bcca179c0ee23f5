"""What is plainly wrong about a change of prices is refused, whoever's prices it is about."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from stream_jobs.configuring.ledger import PRICES
from stream_jobs.pricing import PriceRow
from stream_jobs.pricing.editing.price import NewPrice, with_end, with_price
from stream_jobs.pricing.editing.rate import read_rate
from stream_jobs.pricing.errors import PriceListRefused

MARCH, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 5))
EVERYONES = [
    PriceRow("maker", "large", "Large", "", unit, Decimal(usd), 10**6, place, "list")
    for place, (unit, usd) in enumerate((("input_mtok", "150"), ("output_mtok", "0.6")))
]


def price(*rates: str, organization: str = "acme", start: datetime = MARCH, **more: Any) -> NewPrice:
    return NewPrice("maker", "large", tuple(map(read_rate, rates)), start, "hand", organization, **more)


def judged(new: NewPrice, own: Sequence[PriceRow] = (), everyones: Sequence[PriceRow] = EVERYONES) -> list[PriceRow]:
    """The owner's new rows. Raises PriceListRefused."""
    shared = everyones if new.organization else ()
    before = list(own if new.organization else everyones)
    after = with_price(before, new, shared)
    PRICES.judge(before, after, shared)
    return after


@pytest.mark.parametrize("organization", ["", "acme"])
@pytest.mark.parametrize("rate", ["input_mtok=0.15", "output_mtok=600"])
def test_a_price_that_is_wrong_by_its_unit_is_refused_for_everyone_and_for_one(organization: str, rate: str) -> None:
    with pytest.raises(PriceListRefused, match=f"{rate.replace('=', ' of ')} USD .* 500 times, so correct the unit"):
        judged(price(rate, organization=organization))


def test_an_organizations_own_price_is_what_its_next_one_is_compared_with() -> None:
    own = judged(price("input_mtok=1"))
    assert judged(price("input_mtok=0.01", start=MAY), own)
    ended = with_end(own, "acme", "maker", "large", MAY, "hand")
    with pytest.raises(PriceListRefused, match="is 150 for everyone; no price differs 500 times"):
        judged(price("input_mtok=0.01", start=MAY.replace(month=6)), ended)
    withdrawn = with_end(EVERYONES, "", "maker", "large", MARCH, "hand")
    assert judged(price("input_mtok=0.01", start=MAY), everyones=withdrawn)
    assert judged(price("input_mtok=0"))
    unknown = [replace(row, model="small") for row in EVERYONES]
    assert judged(price("input_mtok=0.15"), everyones=unknown)


@pytest.mark.parametrize("organization", ["", "acme"])
def test_an_end_in_the_future_ends_no_comparison_before_it(organization: str) -> None:
    ending = with_end(EVERYONES, "", "maker", "large", MAY, "hand")
    with pytest.raises(PriceListRefused, match=r"input_mtok of 0\.15 USD (was|is) 150"):
        judged(price("input_mtok=0.15", organization=organization), everyones=ending)
    assert judged(price("input_mtok=0.15", organization=organization, start=MAY), everyones=ending)


NIGHTLY: dict[str, Any] = {"daily_from": "16:30:00", "daily_to": "00:30:00"}
OFF_PEAK = [*EVERYONES, *(replace(row, position=row.position + 2, **NIGHTLY) for row in EVERYONES)]


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        (
            price("input_mtok=100", organization="", daily_from="20:00:00", daily_to="02:00:00"),
            "maker/large, output_mtok from 2026-03-01 00:00:00: two daily windows of this model overlap, this one and"
            " that of input_mtok from 1970-01-01",
        ),
        (
            price("cache_read_mtok@200000=3", organization="", service_tier="batch"),
            "",
        ),
        (price("audio_hours@200000=3", organization=""), "audio_hours has a price only above 200,000 tokens"),
        (price("cache_read_mtok=20", "input_audio_mtok=30", organization=""), "add one for the usage that is both"),
    ],
)
def test_prices_set_by_hand_must_fit_together(new: NewPrice, problem: str) -> None:
    if not problem:
        assert judged(new, everyones=OFF_PEAK)
        return
    with pytest.raises(PriceListRefused, match=problem):
        judged(new, everyones=OFF_PEAK)


def test_an_organization_may_have_a_window_alone_where_everyone_has_the_rest_of_the_day() -> None:
    assert judged(price("input_mtok=100", **NIGHTLY))
    with pytest.raises(PriceListRefused, match="the daily windows leave hours without a price"):
        judged(price("input_mtok=100", **NIGHTLY), everyones=[])


def test_what_does_not_fit_about_another_model_keeps_nobody_from_changing_this_one() -> None:
    other = replace(EVERYONES[0], model="other", position=5, tier_start=5)
    assert judged(price("input_mtok=100", organization=""), everyones=[*EVERYONES, other])


@pytest.mark.parametrize("usd", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_price_is_refused_and_compared_with_nothing(usd: str) -> None:
    wrong = replace(EVERYONES[0], price_usd=Decimal(usd))
    with pytest.raises(PriceListRefused, match=r"^maker/large: input_mtok is .*; write a number of USD$"):
        PRICES.judge(EVERYONES, [wrong, *EVERYONES[1:]], ())


def test_stored_prices_of_another_spelling_are_changed_under_the_known_name() -> None:
    spelled = [replace(row, provider="MAKER", model="small", position=2) for row in EVERYONES[:1]]
    assert {row.provider for row in PRICES.known([*EVERYONES, *spelled], ())} == {"maker"}
    own = [replace(row, organization="acme") for row in spelled]
    assert {row.provider for row in PRICES.known(own, EVERYONES)} == {"maker"}
    assert PRICES.known(EVERYONES, ()) is EVERYONES
