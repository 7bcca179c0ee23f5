"""The last W accepted events of one partition: keys in, the positions of first sights out.

An event is a copy of an earlier one when (a) its (organization, event_id) was accepted within the last W accepted
events, whatever its time, or (b) further back with the same time. Numbers of accepted events are compared, so that
batch boundaries do not matter, and a copy does not refresh its id: every replay decides the same.
"""

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Chunk:
    """Accepted events in log order: their keys and times, and the number of the first. Durable once raw has them."""

    first: int
    keys: list[bytes]
    times_ms: "array[int]"
    append_ms: int
    durable: bool = False


@dataclass(slots=True)
class Window:
    """Keys of one partition that are still in memory. `accepted` is the number of the next accepted event.

    Memory: about 175 bytes per id (key of 20 bytes, dictionary entry, number and time).
    """

    size: int
    accepted: int = 0
    whole: bool = True
    """True while every id ever accepted in this partition is in memory, so that none of those has to be looked up."""
    former_ms: int | None = None
    """Highest append time of the topic's former generations: whose events may come again. None: there was none."""
    _numbers: dict[bytes, int] = field(default_factory=dict)
    _chunks: deque[Chunk] = field(default_factory=deque)
    _older_times: dict[bytes, set[int]] = field(default_factory=dict)
    """Times of ids that came again with another time beyond the window, while the first is still in memory."""

    @classmethod
    def refilled(
        cls, size: int, accepted: int, keys: list[bytes], times_ms: list[int], oldest_append_ms: int
    ) -> "Window":
        """The window after a restart: `keys` are the newest accepted events in log order."""
        first = accepted - len(keys)
        window = cls(size, accepted, whole=first == 0)
        if keys:
            window._numbers = dict(zip(keys, range(first, accepted), strict=True))
            window._chunks.append(Chunk(first, keys, array("q", times_ms), oldest_append_ms, durable=True))
        return window

    def __len__(self) -> int:
        return len(self._numbers)

    def lookup_until_ms(self, future_ms: int) -> int | None:
        """Events at or before this time may have a copy that memory no longer knows; None: no event can.

        An event is never stamped later than its append time + future_ms, so what left memory is older than that.
        """
        limits = [self.former_ms + future_ms] if self.former_ms is not None else []
        if not self.whole:
            limits.append(self._chunks[0].append_ms + future_ms if self._chunks else 1 << 62)
        return max(limits, default=None)

    def sift(
        self, keys: Sequence[bytes], times_ms: Sequence[int], append_ms: int, copies: Collection[int]
    ) -> list[int]:
        """Positions of first sights, in order. `copies`: positions that a lookup found to be copies (rule b)."""
        numbers, number, kept, seen_ms = self._numbers, self.accepted, list[int](), 0
        chunk = Chunk(number, [], array("q"), append_ms)
        known = numbers.get
        for position, key in enumerate(keys):
            seen = known(key)
            if seen is not None:
                if number - seen <= self.size:
                    continue
                seen_ms = self._time_of(seen, chunk)
                if times_ms[position] == seen_ms or times_ms[position] in self._older_times.get(key, ()):
                    continue
            if copies and position in copies:
                continue
            if seen is not None:
                self._older_times.setdefault(key, set()).add(seen_ms)
            numbers[key] = number
            number += 1
            kept.append(position)
            chunk.keys.append(key)
            chunk.times_ms.append(times_ms[position])
        self.accepted = number
        if kept:
            self._chunks.append(chunk)
        return kept

    def newest(self) -> Chunk | None:
        """The chunk that the last sift made, to be marked durable by whoever stores its events."""
        return self._chunks[-1] if self._chunks else None

    def evict(self) -> None:
        """Forgets ids that left the window; only durable ones (rule E4)."""
        while self._chunks:
            chunk = self._chunks[0]
            if not chunk.durable or chunk.first + len(chunk.keys) > self.accepted - self.size:
                return
            self._chunks.popleft()
            self.whole = False
            for number, key in enumerate(chunk.keys, chunk.first):
                if self._numbers.get(key) == number:
                    del self._numbers[key]
                elif key in self._older_times:
                    self._older_times[key].discard(chunk.times_ms[number - chunk.first])
                    if not self._older_times[key]:
                        del self._older_times[key]

    def _time_of(self, number: int, newest: Chunk) -> int:
        if number >= newest.first:
            return newest.times_ms[number - newest.first]
        index = bisect_right(self._chunks, number, key=lambda chunk: chunk.first) - 1
        chunk = self._chunks[index]
        return chunk.times_ms[number - chunk.first]
