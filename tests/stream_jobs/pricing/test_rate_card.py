"""One call's charges, line by line."""

from fractions import Fraction

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
