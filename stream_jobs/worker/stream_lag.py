"""How far the stream is behind its log in time: envelopes in, seconds out. It owns no clock and reads none of the log.

A job leaves the stream most of the time only while the stream needs it: small envelopes that come all the time are
always waiting, for some tenths of a second each.
"""

from collections import deque
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
    _applied: int = 0
    _generation: int = -1
    _ends: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=MOST))
    """When so many envelopes were first seen in the log; the oldest are forgotten, when all of them are late."""

    def see(self, now: float, generation: int, applied: int, waiting: int) -> None:
        """What is applied and what waits, of all partitions together, at a moment (monotonic seconds)."""
        if generation != self._generation or applied < self._applied:
            self._ends.clear()
        self._generation, self._applied, self.waiting = generation, applied, waiting
        while self._ends and self._ends[0][1] <= applied:
            self._ends.popleft()
        if waiting and (not self._ends or now - self._ends[-1][0] >= APART_SECONDS):
            self._ends.append((now, applied + waiting))
        self._since = self._ends[0][0] if self._ends else None

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
