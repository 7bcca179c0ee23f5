"""Places a quarter hour in its local hour, day and week, by zoneinfo alone."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

QUARTER_SECONDS = 900
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

    def __post_init__(self) -> None:
        self._zone = ZoneInfo(self.time_zone)

    def place(self, bucket: int) -> Place:
        """The place of the quarter hour that starts at `bucket` (Unix seconds)."""
        found = self._places.get(bucket)
        if found is None:
            found = self._places[bucket] = self._locate(bucket)
        return found

    def day(self, day: date) -> Period:
        """The local day as instants."""
        return Period(self._midnight(day), self._midnight(day + timedelta(days=1)), day)

    def week(self, week: date) -> Period:
        """The local week that starts on `week` as instants."""
        return Period(self._midnight(week), self._midnight(week + timedelta(days=7)), week)

    def hours(self, day: date) -> list[Period]:
        """The local hours of a day in order."""
        whole = self.day(day)
        starts = sorted({self._locate(b).hour for b in range(whole.start, whole.end, QUARTER_SECONDS)})
        ends = [*starts[1:], whole.end][: len(starts)]  # a day that was skipped has neither
        return [Period(start, end, day) for start, end in zip(starts, ends, strict=True)]

    def week_of(self, day: date) -> date:
        """First date of the week that holds `day`."""
        return day - timedelta(days=(day.isoweekday() - self.week_start) % 7)

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
