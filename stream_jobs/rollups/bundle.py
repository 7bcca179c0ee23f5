"""What a job or a repair does at once: local days of organisations in one log partition, as conditions of statements.

A day of an organisation is the unit that is asked for, noted and cancelled. A statement costs the same for a day of ten
events as for a hundred such days, so small ones are done together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from stream_jobs.rollups.cascade import DAY_SECONDS
from warehouse.literals import quoted, second

WEEK_SECONDS = 8 * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Slice:
    """One local day of one organisation, in its calendar; start and end in Unix seconds. week: first date of its
    week."""

    organization: str
    day: date
    week: date
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """Slices of one log partition that are done together.

    cut: applied offset up to which raw events count. epoch: that of the new rows.
    """

    src_partition: int
    slices: tuple[Slice, ...]
    cut: int
    epoch: int = 0

    def __str__(self) -> str:
        first, more = self.slices[0], len(self.slices) - 1
        return f"{first.organization} on {first.day}" + (f" and {more} more days" if more else "")

    @property
    def organizations(self) -> list[str]:
        """Whose days they are, in order."""
        return sorted({each.organization for each in self.slices})

    def only(self, slices: Iterable[Slice]) -> Self:
        """The same with some of the slices."""
        return replace(self, slices=tuple(slices))

    def around(self) -> tuple[int, int]:
        """From a day before the first to a day after the last: midnights repeat, so that a day's quarter hours may lie
        outside its own span."""
        starts, ends = (each.start for each in self.slices), (each.end for each in self.slices)
        return max(0, min(starts) - DAY_SECONDS), max(ends) + DAY_SECONDS

    def of_days(self, instant: str, since: int = 0, until: int | None = None) -> str:
        """Rows of its days, by their columns organization and day, in [since, until), Unix seconds."""
        return f"{self._near(instant, DAY_SECONDS, since, until)} AND {self._are('day')}"

    def of_weeks(self, instant: str) -> str:
        """Rows of the weeks of its days."""
        return f"{self._near(instant, WEEK_SECONDS, 0, None)} AND {self._are('week')}"

    def of(self, repair_id: str) -> str:
        """Its rows in `repairs`."""
        return f"{self.of_organizations()} AND repair_id = {quoted(repair_id)} AND {self._are('day')}"

    def of_organizations(self) -> str:
        """Rows of its organisations."""
        return f"src_partition = {self.src_partition} AND {among('organization', map(quoted, self.organizations))}"

    @property
    def still_at_cut(self) -> str:
        """True while nothing beyond the cut is applied."""
        return still_applied(self.src_partition, self.cut)

    def _near(self, instant: str, seconds: int, since: int, until: int | None) -> str:
        """The organisations' rows so many seconds around the days, so that the engine reads no others."""
        spans = joined([(max(0, each.start - seconds), each.end + seconds) for each in self.slices])
        clipped = [(max(first, since), last if until is None else min(last, until)) for first, last in spans]
        times = " OR ".join(
            f"{instant} >= {second(first)} AND {instant} < {second(last)}" for first, last in clipped if first < last
        )
        return f"{self.of_organizations()} AND ({times or 'false'})"

    def _are(self, period: str) -> str:
        """Rows of its organisations that are of its days or weeks."""
        dates = {(each.organization, each.day if period == "day" else each.week) for each in self.slices}
        if len(self.organizations) == 1:
            return among(period, (quoted(str(first)) for _, first in sorted(dates)))
        pairs = ", ".join(f"({quoted(name)}, {quoted(str(first))})" for name, first in sorted(dates))
        return f"(organization, {period}) IN ({pairs})"


def joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of time that overlap or touch become one; in order."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def among(column: str, literals: Iterable[str]) -> str:
    """Rows whose column is one of these."""
    values = list(literals)
    return f"{column} = {values[0]}" if len(values) == 1 else f"{column} IN ({', '.join(values)})"


def still_applied(partition: int, applied: int) -> str:
    """True while the partition's progress is where it was."""
    now = f"SELECT maxOrNull(applied_offset) FROM partition_progress WHERE src_partition = {partition}"
    return f"ifNull(({now}), -1) = {applied}"
