"""Places a quarter hour in its local hour, day and week, by zoneinfo alone."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

QUARTER_SECONDS = 900
HOUR_SECONDS = 3600
HOURS_A_DAY = 24
REMEMBERED = 100_000
"""Places and periods that a calendar keeps, some 150 bytes each; then it begins anew."""
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a quarter hour lies: start of its local hour (Unix seconds), its local date, first date of its week."""

    hour: int
    day: date
    week: date


@dataclass(frozen=True, slots=True)
class Period:
    """A local hour, day or week as instants: start inclusive, end exclusive (Unix seconds), and its first date."""

    start: int
    end: int
    date: date


@dataclass(slots=True)
class LocalCalendar:
    """The calendar of one time zone and week start (1 = Monday to 7 = Sunday).

    A local hour never crosses a change of the UTC offset: the repeated hour of an autumn night is two hours, and
    Lord Howe's half-hour change leaves one of thirty minutes. Raises ZoneInfoNotFoundError for an unknown zone.
    """

    time_zone: str
    week_start: int = 1
    _zone: ZoneInfo = field(init=False)
    _places: dict[int, Place] = field(init=False, default_factory=dict)
    _periods: dict[tuple[date, int], Period] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._zone = ZoneInfo(self.time_zone)

    def place(self, bucket: int) -> Place:
        """The place of the quarter hour that starts at `bucket` (Unix seconds)."""
        found = self._places.get(bucket)
        if found is None:
            if len(self._places) >= REMEMBERED:
                self._places.clear()
            found = self._places[bucket] = self._locate(bucket)
        return found

    def day(self, day: date) -> Period:
        """The local day as instants."""
        return self._period(day, 1)

    def week(self, week: date) -> Period:
        """The local week that starts on `week` as instants."""
        return self._period(week, 7)

    def hours(self, day: date) -> list[Period]:
        """The local hours of a day in order."""
        whole = self.day(day)
        if self._is_plain(whole):
            hours = range(whole.start, whole.end, HOUR_SECONDS)
            return [Period(start, start + HOUR_SECONDS, day) for start in hours]
        starts = sorted({self._locate(b).hour for b in range(whole.start, whole.end, QUARTER_SECONDS)})
        ends = [*starts[1:], whole.end][: len(starts)]  # a day that was skipped has neither
        return [Period(start, end, day) for start, end in zip(starts, ends, strict=True)]

    def week_of(self, day: date) -> date:
        """First date of the week that holds `day`."""
        return day - timedelta(days=(day.isoweekday() - self.week_start) % 7)

    def _period(self, first: date, days: int) -> Period:
        found = self._periods.get((first, days))
        if found is None:
            if len(self._periods) >= REMEMBERED:
                self._periods.clear()
            end = self._midnight(first + timedelta(days=days))
            found = self._periods[first, days] = Period(self._midnight(first), end, first)
        return found

    def _is_plain(self, day: Period) -> bool:
        """Whether the clock was not changed on this day: 24 whole hours with one UTC offset."""
        hours = range(day.start, day.end, HOUR_SECONDS)
        if day.end - day.start != HOURS_A_DAY * HOUR_SECONDS:
            return False
        first, *others = (datetime.fromtimestamp(start, self._zone) for start in hours)
        return first.minute == 0 and all(local.utcoffset() == first.utcoffset() for local in others)

    def _locate(self, bucket: int) -> Place:
        local = datetime.fromtimestamp(bucket, self._zone)
        day = local.date()
        return Place(self._hour_start(bucket, local), day, self.week_of(day))

    def _hour_start(self, bucket: int, local: datetime) -> int:
        start = bucket - local.minute * 60
        while start < bucket and datetime.fromtimestamp(start, self._zone).utcoffset() != local.utcoffset():
            start += QUARTER_SECONDS
        return start

    def _midnight(self, day: date) -> int:
        # In a gap zoneinfo counts with the offset before it, which is the instant of the change: the day's start.
        return int(datetime(day.year, day.month, day.day, tzinfo=self._zone).astimezone(UTC).timestamp())
