"""First sight counts, whatever the batches, restarts and evictions."""

from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream_jobs.deduplication.window import Window


@dataclass(frozen=True)
class Sent:
    key: bytes
    time_ms: int


def reference(log: list[Sent], size: int) -> list[int]:
    """Rules (a) and (b) read literally, one event after the other."""
    number_of: dict[bytes, int] = {}
    identities: set[tuple[bytes, int]] = set()
    kept: list[int] = []
    for position, event in enumerate(log):
        near = event.key in number_of and len(kept) - number_of[event.key] <= size
        if near or (event.key, event.time_ms) in identities:
            continue
        number_of[event.key] = len(kept)
        identities.add((event.key, event.time_ms))
        kept.append(position)
    return kept


events = st.builds(Sent, st.sampled_from([bytes([n]) for n in range(6)]), st.sampled_from([1, 2, 20, 21, 50, 51]))
"""The log appends its n-th event at n ms: some are late, some ahead of it."""


AHEAD = [Sent(b"a", 50), Sent(b"b", 1), Sent(b"c", 2), Sent(b"a", 50), Sent(b"b", 50)]
"""A sender's clock is ahead of the log, and its event comes again when the window has forgotten it."""


def copies_in_store(log: list[Sent], kept: list[int], batch: list[Sent], window: Window) -> set[int]:
    """What the lookup table answers: copies at lower positions, for the events that may be asked for."""
    stored, limit = {(log[position].key, log[position].time_ms) for position in kept}, window.lookup_until_ms(0)
    return {
        index
        for index, event in enumerate(batch)
        if limit is not None
        and (event.time_ms <= limit or event.time_ms in window.times_ahead)
        and (event.key, event.time_ms) in stored
    }


def restarted(log: list[Sent], kept: list[int], size: int) -> Window:
    """The window as a worker loads it."""
    newest = kept[-size:]
    oldest_ms = newest[0] if newest else 0
    ahead_ms = {log[place].time_ms for place in kept[: len(kept) - len(newest) + 1] if log[place].time_ms > oldest_ms}
    keys, times = [log[place].key for place in newest], [log[place].time_ms for place in newest]
    return Window.refilled(size, len(kept), keys, times, oldest_ms, ahead_ms)


@given(
    log=st.lists(events, max_size=60),
    cuts=st.lists(st.integers(1, 7), min_size=60, max_size=60),
    restarts=st.sets(st.integers(0, 59)),
    size=st.integers(1, 12),
)
@example(log=AHEAD, cuts=[1] * 60, restarts=set(), size=1)
@example(log=AHEAD, cuts=[1] * 60, restarts={3}, size=1)
@settings(max_examples=300, deadline=None)
def test_any_split_restart_and_eviction_counts_the_same_events(
    log: list[Sent], cuts: list[int], restarts: set[int], size: int
) -> None:
    window, kept, start = Window(size), list[int](), 0
    for step, width in enumerate(cuts):
        batch = log[start : start + width]
        if not batch:
            break
        if step in restarts:
            window = restarted(log, kept, size)
        copies = copies_in_store(log, kept, batch, window)
        first = window.sift([e.key for e in batch], [e.time_ms for e in batch], start + len(batch) - 1, copies)
        kept += [start + position for position in first]
        chunk = window.newest()
        if chunk is not None:
            chunk.durable = True
        window.evict()
        start += width
    assert kept == reference(log[:start], size)


def test_a_copy_does_not_refresh_its_id() -> None:
    window = Window(2)
    assert window.sift([b"a", b"b", b"a", b"c", b"a"], [1, 1, 1, 1, 2], 0, ()) == [0, 1, 3, 4]


def test_the_same_id_with_another_time_beyond_the_window_is_another_event() -> None:
    window = Window(1)
    assert window.sift([b"a", b"b", b"c", b"a"], [1, 1, 1, 2], 0, ()) == [0, 1, 2, 3]


def test_ids_stay_until_their_events_are_durable() -> None:
    window = Window(1)
    window.sift([b"a", b"b", b"c"], [1, 1, 1], 0, ())
    window.evict()
    assert len(window) == 3
    chunk = window.newest()
    assert chunk is not None
    chunk.durable = True
    window.sift([b"d"], [1], 0, ())
    window.evict()
    assert len(window) == 1


def test_nothing_is_looked_up_while_memory_holds_everything() -> None:
    assert Window(10).lookup_until_ms(5) is None
    refilled = Window.refilled(1, 2, [b"b"], [1], oldest_append_ms=100)
    assert refilled.lookup_until_ms(5) == 100


def test_e15_ordinary_traffic_is_not_looked_up_though_ids_have_left_memory() -> None:
    window = Window(2)
    for second in range(10):
        now_ms = second * 1000
        times = [now_ms - 20, now_ms + 400_000 if second == 1 else now_ms - 10]
        window.sift([bytes([second, 0]), bytes([second, 1])], times, now_ms, ())
        window._chunks[-1].durable = True
        window.evict()
    assert not window.whole
    assert window.lookup_until_ms(900_000) == 9000  # what comes now is younger
    assert set(window.times_ahead) == {401_000}  # and so is a copy of the one whose sender's clock was ahead
    for _ in range(3):
        window.sift([b"late"], [1], 500_000, ())
        window._chunks[-1].durable = True
        window.evict()
    window.sift([b"x", b"y", b"z"], [1, 2, 3], 600_000, ())
    window._chunks[-1].durable = True
    window.evict()
    assert set(window.times_ahead) == set()  # it is behind by now


def test_e15_events_that_a_former_generation_may_have_are_looked_up() -> None:
    window = Window(2)
    assert window.lookup_until_ms(900) is None
    window.former_ms = 5000
    assert window.lookup_until_ms(900) == 5900
    window.sift([b"a", b"b", b"c", b"d", b"e"], [1] * 5, append_ms=7000, copies=())
    assert window.lookup_until_ms(900) == 5900


def test_e15_a_refilled_window_of_a_later_generation_still_looks_up() -> None:
    window = Window.refilled(10, 1, [b"a"], [1], 7000)
    window.former_ms = 5000
    assert window.whole
    assert window.lookup_until_ms(900) == 5900
