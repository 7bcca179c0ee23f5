"""The histograms of response times, counted by hand: events in, bins and counts out.

Bins are whole numbers up to 50, beyond that each at most 4 % wide, as the table's comment says.
"""

from bisect import bisect_left

from tests.chaos.event import Event
from warehouse.families import OUTPUT_BUCKETS

EXACT_UP_TO, HIGHEST = 50, 10**10


def _bounds() -> list[int]:
    bounds = list(range(EXACT_UP_TO + 1))
    while bounds[-1] < HIGHEST:
        bounds.append(max(bounds[-1] + 1, bounds[-1] * 104 // 100))
    return bounds


BOUNDS = _bounds()


def measured(event: Event) -> dict[str, int]:
    """The bin of each metric that the event has a value for."""
    values: dict[str, int] = {}
    for name in ("duration_ms", "time_to_first_token_ms"):
        if name in event.fields:
            values[name] = event.number(name)
    duration, output = event.number("duration_ms"), sum(event.number(name) for name in OUTPUT_BUCKETS)
    if duration > 0 and output > 0:
        values["output_tokens_per_1000_s"] = output * 1_000_000 // duration
    return {name: min(bisect_left(BOUNDS, value), len(BOUNDS) - 1) for name, value in values.items()}
