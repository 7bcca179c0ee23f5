"""Exact numbers keep every digit."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.explanation.exact import exact_text, usd_text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(1520), "1520"),
        (Fraction("0.00765"), "0.00765"),
        (Fraction(-1, 8), "-0.125"),
        (Fraction(1, 10**24), "0.000000000000000000000001"),
        (Fraction(7, 3600), "7/3600"),
        (Fraction(-1, 3), "-1/3"),
    ],
)
def test_a_decimal_where_it_ends_else_the_ratio(number: Fraction, text: str) -> None:
    assert exact_text(number) == text


@given(number=st.fractions())
def test_nothing_is_lost(number: Fraction) -> None:
    assert Fraction(exact_text(number)) == number


def test_stored_money_has_nine_places() -> None:
    assert [usd_text(nano) for nano in (0, 1, -1_500_000_000)] == ["0.000000000", "0.000000001", "-1.500000000"]
