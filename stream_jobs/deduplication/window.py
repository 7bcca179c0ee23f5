"""The last W accepted events of one partition: keys in, the positions of first sights out.

An event is a copy of an earlier one when (a) its (organization, event_id) was accepted within the last W accepted
events, whatever its time, or (b) further back with the same time. Numbers of accepted events are compared, so that
batch boundaries do not matter, and a copy does not refresh its id: every replay decides the same.
"""

import heapq
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
    _ahead: set[int] = field(default_factory=set)
    _ahead_in_order: list[int] = field(default_factory=list)
    """Times of ids that left memory which lie after the append time of the oldest that is left; the same as a heap."""

    @classmethod
    def refilled(
        cls,
        size: int,
        accepted: int,
        keys: list[bytes],
        times_ms: list[int],
        oldest_append_ms: int,
        ahead_ms: Collection[int] = (),
    ) -> "Window":
        """The window after a restart: `keys` are the newest accepted events in log order.

        ahead_ms: the times after oldest_append_ms of all earlier ones.
        """
        first = accepted - len(keys)
        window = cls(size, accepted, whole=first == 0)
        window._ahead, window._ahead_in_order = set(ahead_ms), sorted(set(ahead_ms))
        if keys:
            window._numbers = dict(zip(keys, range(first, accepted), strict=True))
            window._chunks.append(Chunk(first, keys, array("q", times_ms), oldest_append_ms, durable=True))
        return window

    def __len__(self) -> int:
        return len(self._numbers)

    def lookup_until_ms(self, future_ms: int) -> int | None:
        """Events at or before this time, or at one of `times_ahead`, may have a copy that memory no longer knows; None:
        no event can.

        What left memory was appended before what is left. It is stamped earlier than that, unless its sender's clock
        was ahead. Of former generations only is known that nothing is stamped later than its append time + future_ms.
        """
        limits = [self.former_ms + future_ms] if self.former_ms is not None else []
        if not self.whole:
            limits.append(self._chunks[0].append_ms if self._chunks else 1 << 62)
        return max(limits, default=None)

    @property
    def times_ahead(self) -> Collection[int]:
        """Times (Unix ms) of ids that left memory and are stamped later than what is left was appended."""
        return self._ahead

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
            self._note_ahead(chunk)

    def _note_ahead(self, left: Chunk) -> None:
        """Remembers the times of a chunk that left, as long as they lie ahead of what is left."""
        reached_ms = self._chunks[0].append_ms if self._chunks else left.append_ms
        for time_ms in left.times_ms:
            if time_ms > reached_ms and time_ms not in self._ahead:
                self._ahead.add(time_ms)
                heapq.heappush(self._ahead_in_order, time_ms)
        while self._ahead_in_order and self._ahead_in_order[0] <= reached_ms:
            self._ahead.discard(heapq.heappop(self._ahead_in_order))

    def _time_of(self, number: int, newest: Chunk) -> int:
        if number >= newest.first:
            return newest.times_ms[number - newest.first]
        index = bisect_right(self._chunks, number, key=lambda chunk: chunk.first) - 1
        chunk = self._chunks[index]
        return chunk.times_ms[number - chunk.first]
