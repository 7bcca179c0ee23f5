"""Numbers of files: exact, whatever their spelling, and never a float."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.pricing.exact_number import NotJson, exact_number, plain, read_json, shifted, whole_number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("2.5e-06", "0.0000025"),
        ("1E2", "100"),
        ("0.123456789012345678", "0.123456789012345678"),
        ("2.000000000000000001", "2.000000000000000001"),
        ("-0.0", "0"),
        ("12345678901234567890123456789012345", "12345678901234567890123456789012345"),
    ],
)
def test_json_numbers(written: str, number: str) -> None:
    assert format(shifted(read_json(written), 0), "f") == number


@given(st.decimals(allow_nan=False, allow_infinity=False, places=18), st.integers(-9, 9))
def test_moving_the_point_loses_nothing(number: Decimal, places: int) -> None:
    moved = shifted(number, places)
    assert shifted(moved, -places) == number
    assert plain(moved) == moved


def test_equal_prices_have_one_spelling() -> None:
    assert {str(plain(Decimal(text))) for text in ("100", "1E+2", "100.00", "1.00e2")} == {"100"}


@pytest.mark.parametrize("value", [True, None, 1.5, "x", "", [], "1" * 101, Decimal("1e-200"), "1e999999999999999999"])
def test_what_is_no_number(value: object) -> None:
    assert exact_number(value) is None


@pytest.mark.parametrize("text", ["NaN", "sNaN", "-NaN"])
def test_nan_is_a_number_that_checks_refuse(text: str) -> None:
    number = exact_number(text)
    assert number is not None
    assert number.is_qnan()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1e30", 10**30), (Decimal("12.0"), 12), (" -5 ", -5), ("0.5", None), ("NaN", None), (Decimal("Infinity"), None)],
)
def test_whole_numbers_of_any_size(value: object, expected: int | None) -> None:
    assert whole_number(value) == expected


def test_an_exponent_beyond_all_bounds_is_nan() -> None:
    assert read_json("1e9999999999999999999999").is_nan()


@pytest.mark.parametrize("text", ["{", '{"a": 1, "a": 2}', ""])
def test_no_json(text: str) -> None:
    with pytest.raises(NotJson):
        read_json(text)


@pytest.mark.parametrize("text", ["1_0", "２.5", "٣"])
def test_only_plain_digits_are_a_number(text: str) -> None:  # Decimal takes them all
    assert exact_number(text) is None
