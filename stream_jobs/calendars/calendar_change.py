"""What a revision of an organisation's calendar says: its stored text in, a checked change out."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from stream_jobs.calendars.local_calendar import LocalCalendar

LAST_START: Final = (1 << 32) - 1
"""The last instant (Unix seconds) that the warehouse can store."""


@dataclass(frozen=True, slots=True)
class CalendarChange:
    """From `start` on (Unix seconds; `effective_from` in words) days and weeks are of this zone and week start."""

    time_zone: str
    week_start: int
    start: int
    effective_from: str


def read_change(said: str) -> CalendarChange:
    """The change that a revision's content says. Raises ValueError with what is wrong in it."""
    try:
        content = json.loads(said)
        time_zone, week_start, words = (content[name] for name in ("time_zone", "week_start", "effective_from"))
        moment = datetime.fromisoformat(words)
        LocalCalendar(time_zone, week_start)
    except (
        ValueError,
        TypeError,
        KeyError,
        OSError,
    ) as problem:  # an unknown zone is a KeyError, a folder of zones an OSError
        raise ValueError(repr(problem)) from None
    if type(week_start) is not int or not 1 <= week_start <= 7:
        raise ValueError(f"the first day of the week is {week_start!r}: it must be 1 (Monday) to 7 (Sunday)")
    if moment.tzinfo is None:
        raise ValueError(f"{words} has no UTC offset")
    start = moment.timestamp()
    if start != int(start) or not 0 < start <= LAST_START:
        raise ValueError(f"{words} is no full second between 1970 and 2106")
    return CalendarChange(time_zone, week_start, int(start), words)
