"""The queue between callers and the sending thread: bounded, in order, and never a reason to wait for ever."""

import threading

from tests.contracts.fake_collector import until
from tokentally.event_queue import EventQueue, QueuedEvent


def queued(number: int, size_bytes: int = 1) -> QueuedEvent:
    return QueuedEvent(str(number), b"x" * size_bytes)


def taken(queue: EventQueue, max_events: int = 10, max_bytes: int = 100) -> list[QueuedEvent]:
    return queue.take(max_events=max_events, max_bytes=max_bytes, linger_seconds=0)


def test_gives_batches_in_order_bounded_by_events_and_bytes() -> None:
    queue = EventQueue(max_events=10, max_bytes=1_000)
    events = [queued(0, 40), queued(1, 60), queued(2), queued(3, 400), queued(4)]
    for event in events:
        assert queue.put(event)
    assert taken(queue) == events[:2], "the third would exceed the bytes"
    assert taken(queue, max_events=1) == events[2:3], "the limit of events"
    assert taken(queue) == events[3:4], "a single event may exceed the bytes"
    assert taken(queue) == events[4:]


def test_what_is_in_flight_counts_until_it_is_settled() -> None:
    queue = EventQueue(max_events=2, max_bytes=1_000)
    assert queue.put(queued(0))
    assert queue.put(queued(1))
    assert not queue.put(queued(2))
    batch = taken(queue)
    assert not queue.put(queued(2))
    queue.settle(batch)
    assert queue.put(queued(2))
    assert queue.unsettled_count == 1


def test_bytes_are_given_back() -> None:
    queue = EventQueue(max_events=10, max_bytes=100)
    assert queue.put(queued(0, 100))
    assert not queue.put(queued(1))
    queue.settle(taken(queue))
    assert queue.put(queued(1, 100))


def test_waiting_ends_lingering_and_covers_only_what_was_put_before() -> None:
    queue = EventQueue(max_events=10, max_bytes=100)
    queue.put(queued(0))
    batches: list[list[QueuedEvent]] = []

    def send_one() -> None:
        batches.append(queue.take(max_events=10, max_bytes=100, linger_seconds=3600))
        queue.put(queued(1))
        queue.settle(batches[0])

    sender = threading.Thread(target=send_one)
    sender.start()
    assert queue.wait_settled(5)
    sender.join(5)
    assert batches == [[queued(0)]]
    assert queue.unsettled_count == 1
    assert not queue.wait_settled(0.01)


def test_closing_frees_every_waiter() -> None:
    queue = EventQueue(max_events=10, max_bytes=100)
    outcomes: list[object] = []
    waiters = [
        threading.Thread(target=lambda: outcomes.append(taken(queue))),
        threading.Thread(target=lambda: outcomes.append(queue.wait_closed(3600))),
    ]
    for waiter in waiters:
        waiter.start()
    queue.close()
    assert until(lambda: len(outcomes) == 2)
    assert [] in outcomes
    assert True in outcomes
    assert not queue.put(queued(1))
