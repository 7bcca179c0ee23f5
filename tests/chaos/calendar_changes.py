"""The changes of calendars that a run asks for: chance and earlier requests in, revisions and leaps of time out."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.chaos.cast import STEADY, ZONES, bursts
from tests.chaos.places import QUARTER, Calendars
from tests.chaos.revisions import CalendarRevision
from tests.chaos.traffic import Traffic

FAR_ZONES = (*ZONES, "Pacific/Pago_Pago")
"""From the last one to Kiritimati a date is left out, in the other direction one comes again."""
HOW = {"proper": 20, "between midnights": 2, "too soon": 1, "between quarters": 1, "unreadable": 1, "damaged": 1}
UNREADABLE = (("Mars/Olympus_Mons", 1), ("Europe", 1), ("Europe/Paris", 0), ("Europe/Paris", 8))
NOTICE_SECONDS = 2400
"""A record is in the log sooner, whoever publishes it and dies."""
DAYS_AHEAD = (1, 1, 1, 1, 2, 3)
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


@dataclass(slots=True)
class CalendarChanges:
    """believed: the calendars as whoever asks believes them to be; a record that the log refuses changes nothing."""

    believed: Calendars = field(default_factory=Calendars)
    starts: list[int] = field(default_factory=list)
    """From when on calendars were to hold (Unix seconds)."""
    numbers: dict[str, int] = field(default_factory=dict)

    def next(self, chance: random.Random, traffic: Traffic) -> CalendarRevision:
        """The next revision of somebody's calendar: mostly one that begins at one of his next midnights."""
        organization = self._somebody(chance, traffic)
        zone, week_start = chance.choice(FAR_ZONES), chance.randint(1, 7)
        how = chance.choices(list(HOW), list(HOW.values()))[0]
        start = self._midnight(chance, organization, traffic.now_ms)
        if how == "between midnights":
            start += QUARTER * chance.randint(1, 95)
        elif how == "too soon":
            start = (traffic.now_ms // 1000 // QUARTER + chance.randint(-200, 1)) * QUARTER
        elif how == "between quarters":
            start += 300
        elif how == "unreadable":
            zone, week_start = chance.choice(UNREADABLE)
        if how in ("proper", "between midnights"):
            self.believed.say(organization, start, zone, week_start)
            self.starts.append(start)
        self.numbers[organization] = self.numbers.get(organization, 0) + 1
        since = datetime.fromtimestamp(start, UTC).isoformat()
        return CalendarRevision(organization, self.numbers[organization], zone, week_start, since, how == "damaged")

    def leap_ms(self, chance: random.Random, now_ms: int) -> int:
        """How much time passes at once: some hours, or until shortly before the next calendar begins."""
        coming = [start * 1000 - now_ms for start in self.starts if start * 1000 > now_ms + 20 * MINUTE_MS]
        if coming and chance.random() < 0.6:
            return min(coming) - chance.randint(1, 12 * MINUTE_MS)
        return chance.randint(20 * MINUTE_MS, 30 * HOUR_MS)

    def _somebody(self, chance: random.Random, traffic: Traffic) -> str:
        if chance.randrange(12):
            return chance.choice(STEADY).name
        return chance.choice((*(one.name for one in bursts(traffic.round_number)), "silent"))

    def _midnight(self, chance: random.Random, organization: str, now_ms: int) -> int:
        day = self.believed.place(organization, now_ms).day + timedelta(days=chance.choice(DAYS_AHEAD))
        while (start := self.believed.period(organization, "day", day)[0]) * 1000 < now_ms + NOTICE_SECONDS * 1000:
            day += timedelta(days=1)
        return start
