"""Numbers are taken as people and JSON write them, exact, and nothing else is."""

from decimal import Decimal

import pytest

from warehouse.written_number import written_number


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("2.50", "2.50"),
        (" -1e-6\n", "-0.000001"),
        (12, "12"),
        (Decimal("0.1"), "0.1"),
        ("0.10000000000000000000000", "0.1"),
        ("Infinity", "Infinity"),
    ],
)
def test_a_number_is_exact(value: object, number: str) -> None:
    assert written_number(value) == Decimal(number)


@pytest.mark.parametrize("value", ["1_0", "２.5", "١", "", "12,5", "much", 0.1, True, None, ["1"]])
def test_what_is_no_number(value: object) -> None:
    assert written_number(value) is None
