"""A time becomes the local day that holds it."""

from datetime import date
from unittest.mock import create_autospec

import pytest
from clickhouse_connect.driver.client import Client

from deploy.cli.asking.first_day import first_day
from deploy.errors import WrongSetting

CHANGE = 1_773_702_000
"""2026-03-17 in Kiritimati: 2026-03-16T23:00:00Z."""
ROWS = [
    ("acme", 0, "America/New_York", 1),
    ("moved", 0, "Europe/Paris", 1),
    ("moved", CHANGE, "Pacific/Kiritimati", 1),
    ("zen", 0, "Asia/Kathmandu", 7),
]


def day(text: str, organization: str = "") -> date:
    client = create_autospec(Client, instance=True)
    rows = [row for row in ROWS if organization in ("", row[0])]
    client.query.return_value.result_rows = rows
    return first_day(client, "--from", text, organization)


def test_a_date_is_taken_as_it_is() -> None:
    assert day("2026-03-14") == date(2026, 3, 14)


@pytest.mark.parametrize(
    ("text", "organization", "wanted"),
    [
        ("2026-03-14T02:00:00Z", "acme", 13),
        ("2026-03-14T02:00:00Z", "zen", 14),
        ("2026-03-14T20:00:00Z", "zen", 15),
        ("2026-03-14T02:00:00+05:45", "acme", 13),
        ("2026-03-14T09:00:00", "acme", 14),
        ("2026-03-14 03:59", "acme", 13),
        ("2026-03-14T23:30:00Z", "moved", 15),
        ("2026-03-16T22:59:59Z", "moved", 16),
        ("2026-03-16T23:00:00Z", "moved", 17),
        ("2026-03-14T02:00:00Z", "", 13),
        ("2026-03-14T20:00:00Z", "", 14),
    ],
)
def test_a_time_is_the_local_day_that_holds_it_and_the_earliest_of_all(
    text: str, organization: str, wanted: int
) -> None:
    assert day(text, organization) == date(2026, 3, wanted)


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "2026-03-14T25:00:00Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(WrongSetting, match="write a date or time like 2026-03-14"):
        day(text)


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:00:00Z", "9999-12-31", "0001-01-01T00:00:00Z", "0001-01-01", "2149-06-07", "1969-12-31"]
)
def test_what_the_warehouse_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(WrongSetting, match=f"--from {text}: must lie from 1970-01-01 to 2149-06-06"):
        day(text)


def test_a_time_needs_a_calendar() -> None:
    with pytest.raises(WrongSetting, match="nobody-else has no calendar"):
        day("2026-03-14T09:00:00Z", "nobody-else")
