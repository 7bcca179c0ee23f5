"""What quantities add on a card, and when they change the card itself."""

from fractions import Fraction

import pytest

from stream_jobs.pricing.rare_units import RareUnits, adds_input_tokens, exact_charges
from stream_jobs.pricing.rate_card import rate_cards

from .conftest import PriceRows


def test_the_extra_is_exact_and_rounded_with_the_tokens(price_rows: PriceRows) -> None:
    """1.0 USD an hour: a second costs 277,777.7… nano-USD, rounded only after half a nano of tokens is added."""
    extra = RareUnits(rate_cards(price_rows(audio_hours="1"))).extra(0, '{"audio_seconds":1}')
    assert extra.yocto_usd == Fraction(10**24, 3600)
    assert extra.has_a_price
    assert extra.added_to(0) == 277_778
    assert extra.added_to(8 * 10**14) == 277_779


def test_requests_that_usage_counts_replace_the_one_of_the_event(price_rows: PriceRows) -> None:
    units = RareUnits(rate_cards(price_rows(requests_kcount="1000")))
    assert units.extra(0, '{"requests":3}').yocto_usd == 2 * 10**24
    assert units.extra(0, '{"web_searches":1}').yocto_usd == 0
    assert not units.extra(0, '{"web_searches":1}').has_a_price


def test_what_is_forgotten_is_worked_out_again(price_rows: PriceRows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_jobs.pricing.rare_units._MAX_REMEMBERED", 2)
    units = RareUnits(rate_cards(price_rows(web_searches_kcount="1000")))
    amounts = [units.extra(0, f'{{"web_searches":{count}}}').yocto_usd for count in (1, 2, 3, 1)]
    assert amounts == [count * 10**24 for count in (1, 2, 3, 1)]


def test_only_input_tokens_can_change_a_tier() -> None:
    assert adds_input_tokens('{"input_tool_tokens":1}')
    assert not adds_input_tokens('{"output_citation_tokens":1,"web_searches":1,"unicorns":1}')
    assert not adds_input_tokens("{")


def test_a_calls_card_is_that_of_all_its_input(price_rows: PriceRows) -> None:
    cards = rate_cards(price_rows(input_mtok="1", tiers={100: {"input_mtok": "2"}}))
    tokens = [100, *[0] * 13]
    assert exact_charges(cards, tokens, "")[0] is cards[0]
    card, charges = exact_charges(cards, tokens, '{"input_tool_tokens":1}')
    assert card is cards[1]
    assert [(line.unit, int(line.nano_usd)) for line in charges] == [
        ("input_tokens", 200_000),
        ("input_tool_tokens", 2_000),
    ]
