"""Where an instant lies in an organisation's calendar, by zoneinfo alone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tests.chaos.cast import calendar_of

QUARTER = 900


@dataclass(frozen=True, slots=True)
class Place:
    """Starts of the quarter hour and the local hour (Unix seconds), the local date and the first date of its week."""

    quarter: int
    hour: int
    day: date
    week: date


def place_of(organization: str, time_ms: int) -> Place:
    """The place of an instant."""
    return _place(*calendar_of(organization), time_ms // 1000 // QUARTER * QUARTER)


@lru_cache(maxsize=100_000)
def _place(zone: str, week_start: int, quarter: int) -> Place:
    local = datetime.fromtimestamp(quarter, ZoneInfo(zone))
    # The local hour begins at its full hour or where the clock was changed inside it, whichever is later.
    begun = [
        start
        for start in range(quarter - local.minute * 60, quarter + 1, QUARTER)
        if datetime.fromtimestamp(start, ZoneInfo(zone)).utcoffset() == local.utcoffset()
    ]
    day = local.date()
    return Place(quarter, begun[0], day, day - timedelta(days=(day.isoweekday() - week_start) % 7))


@lru_cache(maxsize=10_000)
def midnight(organization: str, day: date) -> int:
    """Start of a local day (Unix seconds)."""
    zone = ZoneInfo(calendar_of(organization)[0])
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC).timestamp())


def period_end(organization: str, grain: str, day: date) -> int:
    """End of the local day or week that begins on `day` (Unix seconds)."""
    return midnight(organization, day + timedelta(days=7 if grain == "week" else 1))
