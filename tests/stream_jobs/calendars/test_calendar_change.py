"""What a calendar's revision may say."""

import json
from typing import Any

import pytest

from stream_jobs.calendars.calendar_change import CalendarChange, read_change

GOOD: dict[str, Any] = {"time_zone": "Asia/Kathmandu", "week_start": 7, "effective_from": "2026-12-01T00:00:00+05:45"}


def test_a_change_is_read() -> None:
    start = 1_796_062_500  # 2026-11-30 18:15 UTC
    assert read_change(json.dumps(GOOD)) == CalendarChange("Asia/Kathmandu", 7, start, GOOD["effective_from"])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"time_zone": "Mars/Olympus_Mons"}, "No time zone found"),
        ({"time_zone": "Europe"}, "Is a directory"),
        ({"time_zone": 7}, "TypeError"),
        ({"week_start": 0}, "must be 1"),
        ({"week_start": 8}, "must be 1"),
        ({"week_start": "7"}, "must be 1"),
        ({"week_start": True}, "must be 1"),
        ({"effective_from": "2026-12-01T00:00:00"}, "has no UTC offset"),
        ({"effective_from": "2026-12-01T00:00:00.5+00:00"}, "no full second"),
        ({"effective_from": "9999-01-01T00:00:00+00:00"}, "between 1970 and 2106"),
        ({"effective_from": "soon"}, "Invalid isoformat"),
        ({"effective_from": None}, "TypeError"),
    ],
)
def test_what_cannot_be_a_calendar_is_told(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_change(json.dumps(GOOD | wrong))


@pytest.mark.parametrize("said", ["", "no json", "[]", "{}", "7"])
def test_what_is_no_content_is_told(said: str) -> None:
    with pytest.raises(ValueError, match="Error"):
        read_change(said)
