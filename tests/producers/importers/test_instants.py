"""Times as files write them."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from producers.importers.instants import instant


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2023-11-16 18:17:03.9799600", "2023-11-16T18:17:03.979Z"),
        ("2023-11-16T18:17:03", "2023-11-16T18:17:03.000Z"),
        ("2023-11-16T18:17:03.5+02:00", "2023-11-16T16:17:03.500Z"),
        ("2023-11-16T18:17:03.123456789Z", "2023-11-16T18:17:03.123Z"),
        ("2023-11-16 18:17:03 UTC", "2023-11-16T18:17:03.000Z"),
        ("2023-11-16", "2023-11-16T00:00:00.000Z"),
        ("1700158623", "2023-11-16T18:17:03.000Z"),
        (1700158623, "2023-11-16T18:17:03.000Z"),
        (Decimal("1700158623.9799"), "2023-11-16T18:17:03.979Z"),
        ("1700158623979", "2023-11-16T18:17:03.979Z"),
        ("1700158623979960", "2023-11-16T18:17:03.979Z"),
        ("1700158623979960000", "2023-11-16T18:17:03.979Z"),
    ],
)
def test_times_are_read_and_cut_to_milliseconds(written: object, read: str) -> None:
    assert instant(written) == read


def test_times_without_an_offset_are_in_the_given_zone() -> None:
    paris = ZoneInfo("Europe/Paris")
    assert instant("2024-07-01 12:00:00", paris) == "2024-07-01T10:00:00.000Z"
    assert instant("2024-07-01 12:00:00Z", paris) == "2024-07-01T12:00:00.000Z"
    assert instant("2024-10-27 02:30:00", paris) == "2024-10-27T00:30:00.000Z"


@pytest.mark.parametrize(
    "written", ["", "soon", "12:00", "16/11/2023", "NaN", "5", -3, 10**30, None, "9999-12-31T23:59:59-10:00"]
)
def test_anything_else_is_named(written: object) -> None:
    with pytest.raises(ValueError, match=r"^time "):
        instant(written)
