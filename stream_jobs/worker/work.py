"""What is in work: Kafka records in; the takes they are cut into and, for logs, their spans of offsets out."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from producers.control.record import CONTROL, HEADER_KIND


def spans(events: Iterable[Any]) -> dict[str, str]:
    """Kafka partition to "first-last" offset of these Faust events."""
    ends: dict[int, tuple[int, int]] = {}
    for event in events:
        partition, offset = event.message.partition, event.message.offset
        first, last = ends.get(partition, (offset, offset))
        ends[partition] = (min(first, offset), max(last, offset))
    return {str(partition): f"{first}-{last}" for partition, (first, last) in sorted(ends.items())}


def portions(events: Sequence[Any], most_bytes: int) -> Iterator[list[Any]]:
    """These Faust events in order, cut behind each that brings a portion to `most_bytes` bytes of values."""
    portion: list[Any] = []
    size = 0
    for event in events:
        portion.append(event)
        size += len(event.message.value or b"")
        if size >= most_bytes:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def runs(events: Sequence[Any]) -> Iterator[tuple[bool, list[Any]]]:
    """These Faust events in order, cut at control records (rule E3): whether it is one, and the events up to the next.

    A control record comes alone.
    """
    usage: list[Any] = []
    for event in events:
        if is_control(event):
            if usage:
                yield False, usage
                usage = []
            yield True, [event]
        else:
            usage.append(event)
    if usage:
        yield False, usage


def is_control(event: Any) -> bool:
    """Whether a Faust event says that it is a control record."""
    return dict(event.message.headers or {}).get(HEADER_KIND) == CONTROL
