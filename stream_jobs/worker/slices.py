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
        if seconds <= GOAL_SECONDS / 2 or len(keys) < LEAST_PERIODS:
            self._sizes[grain] = min(PERIODS_PER_SLICE, max(self._size(grain), 2 * len(keys)))
        elif seconds > GOAL_SECONDS and len(keys) > LEAST_PERIODS:
            self._sizes[grain] = max(LEAST_PERIODS, len(keys) // 2)
        for key in keys:
            stuck.pop(key, None)

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
