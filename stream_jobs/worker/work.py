"""What is in work, for logs: Kafka records in, the span of offsets of each partition out."""

from collections.abc import Iterable
from typing import Any


def spans(events: Iterable[Any]) -> dict[str, str]:
    """Kafka partition to "first-last" offset of these Faust events."""
    ends: dict[int, tuple[int, int]] = {}
    for event in events:
        partition, offset = event.message.partition, event.message.offset
        first, last = ends.get(partition, (offset, offset))
        ends[partition] = (min(first, offset), max(last, offset))
    return {str(partition): f"{first}-{last}" for partition, (first, last) in sorted(ends.items())}
