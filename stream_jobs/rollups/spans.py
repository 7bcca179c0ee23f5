"""Long work cut into parts by time: events per quarter hour in, spans with some number of events each out."""

from collections.abc import Sequence

from stream_jobs.calendars.local_calendar import QUARTER_SECONDS


def parts(quarters: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """The time from the first to the end of the last quarter hour (start, events), cut before each that would bring a
    part beyond so many events. What lies around it is not read: it may be many more events than the day has."""
    cuts, count = [start for start, _ in quarters[:1]], 0
    for start, events in quarters:
        if count and count + events > most:
            cuts.append(start)
            count = 0
        count += events
    return list(zip(cuts, [*cuts[1:], *(start + QUARTER_SECONDS for start, _ in quarters[-1:])], strict=True))
