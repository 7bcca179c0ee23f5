"""Where an instant lies in an organisation's calendar: what the log said of calendars in, places and periods out.

By zoneinfo alone. At an instant that calendar holds of which the log said last that it begins at or before it. A period
reaches from the first to the last quarter hour that lies in it.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tests.chaos.cast import calendar_of

QUARTER, DAY = 900, 86_400
ALWAYS = -(1 << 62)
LONGEST_DAYS = {"day": 2, "week": 9}
"""What a local day or week lasts at most, so that it is looked for around its first date."""


@dataclass(frozen=True, slots=True)
class Place:
    """Starts of the quarter hour and the local hour (Unix seconds), the local date and the first date of its week."""

    quarter: int
    hour: int
    day: date
    week: date


@dataclass(frozen=True, slots=True)
class Word:
    """A calendar, and from when on it holds (Unix seconds). Dates before first_date lie in the weeks of the one before:
    it is the first date that begins, in the calendar before, when this one does or later, but none before that one has
    its own: dates that come again lie where they lay."""

    start: int
    zone: str
    week_start: int
    first_date: date = date.min


Words = tuple[Word, ...]


@dataclass(slots=True)
class Calendars:
    """What holds for each organisation, in the order of time."""

    said: dict[str, Words] = field(default_factory=dict)

    def say(self, organization: str, start: int, zone: str, week_start: int) -> None:
        """From `start` on another calendar holds, whatever was said before of that time."""
        before = tuple(word for word in self._of(organization) if word.start < start)
        day = _local(before, start).date()
        if _local(before, start - QUARTER).date() == day:
            day += timedelta(days=1)
        day = max(day, before[-1].first_date)
        self.said[organization] = (*before, Word(start, zone, week_start, day))

    def place(self, organization: str, time_ms: int) -> Place:
        """The place of an instant (Unix ms)."""
        return _place(self._of(organization), time_ms // 1000 // QUARTER * QUARTER)

    def week_of(self, organization: str, day: date) -> date:
        """The first date of the week in which this date lies."""
        return _week_of(self._of(organization), day)

    def period(self, organization: str, grain: str, first: date) -> tuple[int, int]:
        """Start and end (Unix seconds) of the local day or week with this first date; 0 and 0 when there is none."""
        return _period(self._of(organization), grain, first)

    def is_split(self, organization: str, grain: str, first: date) -> bool:
        """Whether another calendar begins inside this day or week."""
        start, end = self.period(organization, grain, first)
        return any(start < word.start < end for word in self._of(organization))

    def _of(self, organization: str) -> Words:
        return self.said.get(organization) or (Word(ALWAYS, *calendar_of(organization)),)


def _holding(words: Words, instant: int) -> Word:
    return next(word for word in reversed(words) if word.start <= instant)


def _local(words: Words, instant: int) -> datetime:
    return datetime.fromtimestamp(instant, ZoneInfo(_holding(words, instant).zone))


def _week_of(words: Words, day: date) -> date:
    word = next(word for word in reversed(words) if word.first_date <= day)
    return day - timedelta(days=(day.isoweekday() - word.week_start) % 7)


@lru_cache(maxsize=200_000)
def _place(words: Words, quarter: int) -> Place:
    local, word = _local(words, quarter), _holding(words, quarter)
    # The local hour begins at its full hour, or where the clock or the calendar was changed inside it.
    hour = quarter
    while hour > quarter - local.minute * 60 and _holding(words, hour - QUARTER) is word:
        if _local(words, hour - QUARTER).utcoffset() != local.utcoffset():
            break
        hour -= QUARTER
    return Place(quarter, hour, local.date(), _week_of(words, local.date()))


@lru_cache(maxsize=20_000)
def _period(words: Words, grain: str, first: date) -> tuple[int, int]:
    around = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()) - 2 * DAY
    quarters = range(around, around + (LONGEST_DAYS[grain] + 3) * DAY, QUARTER)
    days = ((quarter, _local(words, quarter).date()) for quarter in quarters)
    inside = [quarter for quarter, day in days if (day if grain == "day" else _week_of(words, day)) == first]
    return (inside[0], inside[-1] + QUARTER) if inside else (0, 0)
