"""Rare units read exactly, and nothing an event may hold raises."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.pricing.quantities import UNREADABLE, read_quantities


def test_decimals_are_exact_and_zeros_are_dropped() -> None:
    assert read_quantities('{"audio_seconds":0.1,"web_searches":2,"input_pixels":"1.5","requests":0}') == (
        ("audio_seconds", Fraction(1, 10)),
        ("web_searches", Fraction(2)),
        ("input_pixels", Fraction(3, 2)),
    )
    assert read_quantities("") == ()


def test_a_price_key_counts_in_what_its_price_is_for() -> None:
    assert read_quantities('{"audio_hours":0.5,"audio_seconds":60}') == (("audio_seconds", Fraction(1860)),)


def test_units_that_do_not_exist_are_kept() -> None:
    assert read_quantities('{"unicorns":3}') == (("unicorns", Fraction(3)),)


@pytest.mark.parametrize(
    "text", ["{", "[1]", "1", "null", '{"a":-1}', '{"a":NaN}', '{"a":null}', '{"a":"x"}', '{"a":1e999}', "[" * 10_000]
)
def test_what_cannot_be_read_is_used_and_without_a_price(text: str) -> None:
    assert read_quantities(text) == ((UNREADABLE, Fraction(1)),)


@given(st.text())
def test_no_text_raises(text: str) -> None:
    read_quantities(text)
