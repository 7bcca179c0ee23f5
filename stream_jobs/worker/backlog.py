"""How far each assigned partition is behind its log."""

from typing import Any

from stream_jobs.worker.outlook import LogEnd
from stream_jobs.worker.resume import Resume
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.state import WorkerState


def backlog(
    consumer: Any, settings: WorkerSettings, state: WorkerState, resume: Resume, ends: dict[int, LogEnd]
) -> dict[int, int]:
    """Envelopes that are in the log and not applied, by Kafka partition; refused ones are left out.

    ends: what somebody else than the consumer saw; a consumer that has stopped fetching would always be at the end.
    """
    behind = {}
    for place in consumer.assignment():
        if place.topic != settings.events_topic or place.partition in resume.refused:
            continue
        current = state.generation == resume.generation
        loaded = state.partitions.get(settings.src_partition(place.partition)) if current else None
        stored = resume.progress.get(place.partition)
        applied = loaded.applied if loaded else stored.applied_offset if stored else -1
        end = _log_end(consumer, place, ends.get(place.partition))
        behind[place.partition] = 1 if end is None else max(0, end - applied - 1)
    return behind


def _log_end(consumer: Any, place: Any, seen: LogEnd | None) -> int | None:
    """Offset of the next record; None before anybody told: that is not "at the end"."""
    try:
        fetched: int | None = consumer.highwater(place)
    except (AssertionError, AttributeError):  # the assignment changes in the consumer's own thread
        return None
    known = [end for end in (fetched, seen.next_offset if seen else None) if end is not None]
    return max(known, default=None)
