"""How far the stream is behind its log in time: envelopes in, seconds out. It owns no clock and reads none of the log.

A job leaves the stream most of the time only while the stream needs it: small envelopes that come all the time are
always waiting, for some tenths of a second each.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

REST_SHARE = 1.0
"""How long a job rests after it worked while anything waits in the log, by how long it worked."""
BEHIND_SHARE = 4.0
"""The same while the stream is behind."""
BEHIND_SECONDS = 2.0
"""An envelope that waits longer than a flush and a halt take together."""
LONGEST_REST_SECONDS = 10.0
APART_SECONDS = 0.2
"""Between two remembered ends of the log; one of them is never more than so long too young."""
MOST = 100


@dataclass(slots=True)
class StreamLag:
    """What a worker saw of its partitions' ends, as counts of envelopes. One thread sees, any may ask."""

    waiting: int = 0
    """Envelopes in the log that are not applied."""
    _since: float | None = None
    """When the oldest of them was first seen."""
    _generation: int = -1
    _ends: dict[int, "_Ends"] = field(default_factory=dict)

    def see(self, now: float, generation: int, applied: Mapping[int, int], waiting: Mapping[int, int]) -> None:
        """What is applied and what waits, by partition, at a moment (monotonic seconds)."""
        known = self._ends if generation == self._generation else {}
        self._ends = {number: known.get(number, _Ends()) for number, envelopes in waiting.items() if envelopes}
        self._generation, self.waiting = generation, sum(waiting.values())
        since = [ends.see(now, applied.get(number, -1), waiting[number]) for number, ends in self._ends.items()]
        self._since = min(since, default=None)

    def seconds(self, now: float) -> float:
        """How long the oldest of what was seen waiting has waited at least; 0 when nothing waits."""
        since = self._since
        return 0.0 if since is None else now - since

    def rest_seconds(self, worked: float, now: float) -> float:
        """How long to rest in all after so many seconds of work, as it looks now."""
        if not self.waiting:
            return 0.0
        share = BEHIND_SHARE if self.seconds(now) > BEHIND_SECONDS else REST_SHARE
        return min(share * worked, LONGEST_REST_SECONDS)


@dataclass(slots=True)
class _Ends:
    """When so many envelopes of a partition were first seen; the oldest are forgotten, when all of them are late."""

    applied: int = -1
    seen: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=MOST))

    def see(self, now: float, applied: int, waiting: int) -> float:
        """When the oldest of those that wait, at least one, was first seen."""
        if applied < self.applied:
            self.seen.clear()
        self.applied = applied
        while self.seen and self.seen[0][1] <= applied:
            self.seen.popleft()
        end = applied + waiting
        while self.seen and self.seen[-1][1] > end:  # before anybody tells the end, it counts as one further
            self.seen.pop()
        if not self.seen or (end > self.seen[-1][1] and now - self.seen[-1][0] >= APART_SECONDS):
            self.seen.append((now, end))
        return self.seen[0][0]
