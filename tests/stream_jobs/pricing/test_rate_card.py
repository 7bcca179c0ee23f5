"""One call's charges, line by line."""

from dataclasses import replace
from fractions import Fraction

import pytest

from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.rate_card import RateCard, rate_cards, total_input_tokens

from .conftest import PriceRows


def _card(rows: PriceRows, **prices: str) -> RateCard:
    (card,) = rate_cards(rows(**prices))
    return card


def test_lines_name_the_unit_whose_price_was_taken(price_rows: PriceRows) -> None:
    card = _card(price_rows, input_mtok="3", output_mtok="15", cache_read_mtok="0.3")
    usage = {key: Fraction(1000) for key in ("input_tokens", "cache_read_tokens", "output_reasoning_tokens")}
    lines = [(line.unit, line.priced_unit, int(line.nano_usd)) for line in card.charges(usage)]
    assert lines == [
        ("input_tokens", "input_tokens", 3_000_000),
        ("cache_read_tokens", "cache_read_tokens", 300_000),
        ("output_reasoning_tokens", "output_tokens", 15_000_000),
    ]


def test_usage_without_a_price_is_a_line_without_one(price_rows: PriceRows) -> None:
    lines = _card(price_rows, input_mtok="3").charges({"output_tokens": Fraction(5), "unicorns": Fraction(1)})
    assert [(line.unit, line.priced_unit, int(line.nano_usd)) for line in lines] == [
        ("output_tokens", None, 0),
        ("unicorns", None, 0),
    ]


def test_a_price_per_request_counts_once_or_as_often_as_usage_says(price_rows: PriceRows) -> None:
    card = _card(price_rows, requests_kcount="12")
    assert [line.nano_usd for line in card.charges({})] == [12_000_000]
    assert [line.nano_usd for line in card.charges({"requests": Fraction(3)})] == [36_000_000]


def test_requests_need_no_price(price_rows: PriceRows) -> None:
    assert _card(price_rows, input_mtok="1").charges({"requests": Fraction(3)}) == []


def test_amounts_are_exact_whatever_the_unit_is_for(price_rows: PriceRows) -> None:
    card = _card(price_rows, audio_hours="0.111")
    (line,) = card.charges({"audio_seconds": Fraction(7)})
    assert line.nano_usd == Fraction(7 * 111_000_000, 3600)


def test_groq_bills_at_least_ten_seconds_of_audio(price_rows: PriceRows) -> None:
    prices = {"audio_hours": "0.111", "input_audio_hours": "0.111"}
    (card,) = rate_cards(price_rows(provider="groq", model="whisper-large-v3", **prices))
    for seconds, billed in ((0, 0), (1, 10), (9, 10), (10, 10), (11, 11)):
        lines = card.charges({"input_audio_seconds": Fraction(seconds)})
        assert sum((line.quantity for line in lines), Fraction(0)) == billed


def test_tiers_look_at_all_input_and_at_nothing_else() -> None:
    usage = {"input_tokens": 1, "cache_read_tokens": 2, "input_audio_tokens": 4, "output_tokens": 8, "web_searches": 16}
    assert total_input_tokens({key: Fraction(count) for key, count in usage.items()}) == 7


def _marginal(rows: PriceRows, tiers: dict[int, dict[str, str]], **prices: str) -> tuple[RateCard, ...]:
    made = rows(tiers=tiers, **prices)
    return rate_cards([replace(row, marginal=row.tier_start > 0) for row in made])


@pytest.mark.parametrize(
    ("tokens", "amounts"),
    [
        (99, [(99, 0, 99_000)]),
        (100, [(100, 0, 100_000)]),
        (101, [(100, 0, 100_000), (1, 100, 500)]),
        (1001, [(100, 0, 100_000), (900, 100, 450_000), (1, 1000, 250)]),
    ],
)
def test_a_marginal_tier_holds_only_for_what_lies_above_its_start(
    price_rows: PriceRows, tokens: int, amounts: list[tuple[int, int, int]]
) -> None:
    (card,) = _marginal(price_rows, {100: {"input_mtok": "0.5"}, 1000: {"input_mtok": "0.25"}}, input_mtok="1")
    lines = card.charges({"input_tokens": Fraction(tokens)})
    assert [(int(line.quantity), line.above, int(line.nano_usd)) for line in lines] == amounts


def test_all_that_is_charged_as_a_unit_counts_for_its_marginal_tiers(price_rows: PriceRows) -> None:
    """80 tokens read from the cache have no price of their own: 20 of the 100 fill the first tier."""
    (card,) = _marginal(price_rows, {100: {"input_mtok": "2"}}, input_mtok="1", output_mtok="7")
    lines = card.charges({key: Fraction(80) for key in ("input_tokens", "cache_read_tokens", "output_tokens")})
    assert [(line.unit, int(line.quantity), int(line.nano_usd)) for line in lines] == [
        ("input_tokens", 80, 80_000),
        ("cache_read_tokens", 20, 20_000),
        ("cache_read_tokens", 60, 120_000),
        ("output_tokens", 80, 560_000),
    ]


def test_a_tier_for_the_whole_call_keeps_the_marginal_tiers_of_other_units(price_rows: PriceRows) -> None:
    rows = price_rows(input_mtok="1", output_mtok="4", tiers={50: {"input_mtok": "2"}, 100: {"output_mtok": "1"}})
    cards = rate_cards([replace(row, marginal=row.tier_start == 100) for row in rows])
    assert [card.tier_start for card in cards] == [0, 50]
    assert [sum(line.nano_usd for line in card.charges({"output_tokens": Fraction(101)})) for card in cards] == [
        401_000,
        401_000,
    ]


def test_a_unit_with_marginal_tiers_needs_one_price_below_them(price_rows: PriceRows) -> None:
    rows = price_rows(input_mtok="1", tiers={50: {"input_mtok": "2"}, 100: {"input_mtok": "3", "output_mtok": "3"}})
    for wrong in (
        [replace(row, marginal=row.tier_start == 100) for row in rows if row.unit == "input_mtok"],
        [replace(row, marginal=True) for row in rows if row.unit == "output_mtok"],
    ):
        with pytest.raises(PriceListRefused, match="marginal tiers; give it one price from the first unit on"):
            rate_cards(wrong)


def test_a_model_is_not_free_when_only_its_first_units_are(price_rows: PriceRows) -> None:
    (card,) = _marginal(price_rows, {100: {"input_mtok": "1"}}, input_mtok="0")
    assert not card.is_free
