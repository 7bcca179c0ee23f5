"""The calendar of an organisation whose zone or week start changed: each instant by the rule that held at it (E14).

A change takes effect at a local midnight, or where whoever asked for it believed one to be. What was before keeps its
local hour, day and week; a date on which both rules hold is longer or shorter than others. Weeks follow the date:
whatever lies on one date lies in one week.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from stream_jobs.calendars.local_calendar import EPOCH, QUARTER_SECONDS, LocalCalendar, Period, Place

NEVER_ENDS = 1 << 62


@dataclass(frozen=True, slots=True)
class Rule:
    """A calendar from `start` on (Unix seconds, mostly a midnight of the rule before). first_date: the first date that
    begins, by the rule before, when this one does or later, but none before the rule before has its own; earlier ones
    lie in the weeks of the rule before."""

    start: int
    calendar: LocalCalendar
    first_date: date = EPOCH


@dataclass(slots=True)
class OrganizationCalendar:
    """Rules in order of time; the first holds from the beginning."""

    rules: list[Rule] = field(default_factory=list)

    @classmethod
    def of(cls, changes: Sequence[tuple[int, LocalCalendar]]) -> "OrganizationCalendar":
        """The calendar made of these (start in Unix seconds, calendar) in order; the first holds before it too."""
        made = cls()
        for start, calendar in changes:
            made.change(start, calendar)
        return made

    def change(self, start: int, calendar: LocalCalendar) -> None:
        """Lets another calendar hold from `start` on, also instead of those that were to hold later."""
        self.rules = [rule for rule in self.rules if rule.start < start]
        if not self.rules:
            self.rules = [Rule(start, calendar)]
            return
        before = self.rules[-1].calendar
        first = before.place(start).day
        if before.place(start - QUARTER_SECONDS).day == first:  # part of it may be counted already
            first += timedelta(days=1)
        first = max(first, self.rules[-1].first_date)  # dates that come again lie in the weeks they lay in
        self.rules.append(Rule(start, calendar, first))

    @property
    def newest(self) -> LocalCalendar:
        """The calendar that holds in the end."""
        return self.rules[-1].calendar

    @property
    def calendars(self) -> list[LocalCalendar]:
        """All of them in order of time."""
        return [rule.calendar for rule in self.rules]

    def place(self, bucket: int) -> Place:
        """The place of the quarter hour that starts at `bucket` (Unix seconds)."""
        if len(self.rules) == 1:
            return self.newest.place(bucket)
        rule = self.rules[max(0, bisect_right(self.rules, bucket, key=lambda rule: rule.start) - 1)]
        place = rule.calendar.place(bucket)
        hour = place.hour if rule is self.rules[0] else max(place.hour, rule.start)
        return replace(place, hour=hour, week=self.week_of(place.day))

    def week_of(self, day: date) -> date:
        """First date of the week that holds `day`."""
        return self._week_rule(day).calendar.week_of(day)

    def day(self, day: date) -> Period:
        """The local day as instants, from its first to its last under whichever rules."""
        return self._union(day, [(rule, rule.calendar.day(day)) for rule in self.rules])

    def week(self, week: date) -> Period:
        """The local week that starts on `week` as instants; cut where another first day of the week begins."""
        if len(self.rules) == 1:
            return self.newest.week(week)
        days = [self.day(date.fromordinal(number)) for number in range(week.toordinal(), week.toordinal() + 7)]
        mine = [day for day in days if self.week_of(day.date) == week and day.start < day.end] or days
        return Period(mine[0].start, mine[-1].end, week)

    def _week_rule(self, day: date) -> Rule:
        return next(rule for rule in reversed(self.rules) if rule.first_date <= day or rule is self.rules[0])

    def _union(self, first: date, periods: list[tuple[Rule, Period]]) -> Period:
        if len(periods) == 1:
            return periods[0][1]
        ends = [*(rule.start for rule in self.rules[1:]), NEVER_ENDS]
        starts = [-NEVER_ENDS, *(rule.start for rule in self.rules[1:])]
        parts = [
            (max(period.start, start), min(period.end, end))
            for (_, period), start, end in zip(periods, starts, ends, strict=True)
            if max(period.start, start) < min(period.end, end)
        ]
        if not parts:  # a date that the change skipped: it begins and ends where the change is
            return Period(self.rules[-1].start, self.rules[-1].start, first)
        return Period(min(start for start, _ in parts), max(end for _, end in parts), first)
