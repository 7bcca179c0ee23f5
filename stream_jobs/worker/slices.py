"""Which closed periods one statement derives: what was too much before is asked for in smaller parts. Pure.

A statement that takes too long or too much memory is not repeated as it is: half of it is tried, down to one period
of one organisation. One that fails alone waits, longer each time, and the others go on; views take it from quarter
hours meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from stream_jobs.worker.state import Pending, PeriodKey, Stuck

PERIODS_PER_SLICE = 200
SLICE_SECONDS = {"day": 2 * 86_400, "week": 8 * 86_400}
"""What a statement may span, whatever the number of organisations."""
LEAST_PERIODS = 16
GOAL_SECONDS = 1.0
"""Flushes wait for a slice: one that takes longer is followed by a smaller one, down to LEAST_PERIODS, the first one's
size."""
LONG_SECONDS = 4 * GOAL_SECONDS
"""One that takes longer may be of periods with very many events: the next one is smaller, down to a single period, as
long as that makes it shorter. On a busy machine the smallest one takes as long."""
SHORTER = 0.75
"""What a smaller statement takes at most of a larger one's time when its periods are what takes it."""
PROBE = 8
"""After so many long ones of one size it is seen again whether more would take longer."""
WIDEST_SECONDS = 31 * 86_400
ORGANIZATION_SECONDS = 400 * 86_400
"""Organisations times span: what a statement may read of quarter hours."""
FIRST_WAIT_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 3600.0
FAILURES_TO_TELL = 3


@dataclass(slots=True)
class Slices:
    """The size of the next statement by grain. Asked with `now`, it owns no clock."""

    _sizes: dict[str, int] = field(default_factory=dict)
    _long: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Periods and seconds of the last statement, when it was long."""
    _alike: dict[str, int] = field(default_factory=dict)
    """How many long ones of this size there were in a row."""

    def next(self, grain: str, closed: Sequence[PeriodKey], pending: Mapping[PeriodKey, Pending]) -> list[PeriodKey]:
        """The first periods of `closed`, which is in order of time: neighbours, the wider apart the fewer organisations
        they are of. A statement reads the whole span between its first and its last period, of all of them."""
        keys: list[PeriodKey] = []
        organizations: set[str] = set()
        for key in closed[: self._size(grain)]:
            organizations.add(key[1])
            span = pending[key].period.start - pending[closed[0]].period.start
            widest = min(WIDEST_SECONDS, ORGANIZATION_SECONDS // len(organizations))
            if span >= max(SLICE_SECONDS[grain], widest):
                break
            keys.append(key)
        return keys

    def done(self, grain: str, keys: Sequence[PeriodKey], stuck: dict[PeriodKey, Stuck], seconds: float) -> None:
        """They were derived within so long: the next statement may be larger, or must be smaller."""
        if seconds > LONG_SECONDS:
            self._sizes[grain] = self._after_a_long_one(grain, len(keys), seconds)
        else:
            self._long.pop(grain, None)
            self._resize(grain, len(keys), seconds)
        for key in keys:
            stuck.pop(key, None)

    def _resize(self, grain: str, periods: int, seconds: float) -> None:
        may_grow = LONG_SECONDS / 2 if periods < LEAST_PERIODS else GOAL_SECONDS / 2
        if seconds <= may_grow:
            self._sizes[grain] = min(PERIODS_PER_SLICE, max(self._size(grain), 2 * periods))
        elif seconds > GOAL_SECONDS and periods > LEAST_PERIODS:
            self._sizes[grain] = max(LEAST_PERIODS, periods // 2)

    def _after_a_long_one(self, grain: str, periods: int, seconds: float) -> int:
        """A smaller size while that helps; else a larger one, which derives more in the same time."""
        before, self._long[grain] = self._long.get(grain, (periods, 0.0)), (periods, seconds)
        if before[0] == periods:
            self._alike[grain] = self._alike.get(grain, 0) + 1
            return 2 * periods if periods < LEAST_PERIODS and self._alike[grain] % PROBE == 0 else max(1, periods // 2)
        self._alike[grain] = 0
        smaller, larger = sorted((before, (periods, seconds)))
        if smaller[1] <= SHORTER * larger[1]:
            return max(1, periods // 2) if periods == smaller[0] else smaller[0]
        return max(1, periods // 2) if larger[0] > LEAST_PERIODS else min(LEAST_PERIODS, 2 * larger[0])

    def failed(
        self, grain: str, keys: Sequence[PeriodKey], stuck: dict[PeriodKey, Stuck], why: str, now: float
    ) -> Stuck | None:
        """They were too much. Returns what is known of a period that fails alone, None when smaller parts are left."""
        if len(keys) > 1:
            self._sizes[grain] = len(keys) // 2
            return None
        failures = stuck[keys[0]].failures + 1 if keys[0] in stuck else 1
        wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (failures - 1))
        stuck[keys[0]] = Stuck(failures, now + wait, why)
        return stuck[keys[0]]

    def _size(self, grain: str) -> int:
        return self._sizes.get(grain, LEAST_PERIODS)


def waiting(
    stuck: Mapping[PeriodKey, Stuck], pending: Mapping[PeriodKey, Pending], now: float
) -> set[PeriodKey | tuple[int, str, date]]:
    """The periods that failed alone and whose time to be tried again has not come, and the weeks that wait for such a
    day, as (src_partition, organization, week)."""
    keys = {key for key, known in stuck.items() if now < known.again and key in pending}
    return keys | {(*key[:2], pending[key].week) for key in keys}
