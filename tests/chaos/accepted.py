"""An event that counts, and what it adds to its rows."""

from dataclasses import dataclass

from tests.chaos.event import Event
from tests.chaos.places import Place
from tests.chaos.prices import LOWEST, Charged, Revisions
from warehouse.families import INPUT_BUCKETS, OUTPUT_BUCKETS

LATE_MS = 900_000


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event as control records have left it: where it stands, what it costs and by which revisions.

    version: what its stored row carries: 0 as it was sent, else the offset of the last record that changed it + 1.
    """

    event: Event
    partition: int
    offset: int
    index: int
    append_ms: int
    place: Place
    charged: Charged
    by: Revisions = LOWEST
    version: int = 0
    is_void: bool = False

    @property
    def late(self) -> bool:
        """Whether it came too late after its time."""
        return self.append_ms - self.event.time_ms > LATE_MS

    def measures(self) -> dict[str, int]:
        """What it adds to its rows, by the name of the measure."""
        event, charged = self.event, self.charged
        told = {name: event.number(name) for name in (*INPUT_BUCKETS, *OUTPUT_BUCKETS)}
        return told | {
            "requests": 1,
            "errors": int(event.text("status") != "success"),
            "total_input_tokens": sum(event.number(name) for name in INPUT_BUCKETS),
            "total_output_tokens": sum(event.number(name) for name in OUTPUT_BUCKETS),
            "cost_nano_usd": charged.cost_nano_usd,
            "billed_nano_usd": charged.billed_nano_usd,
            "credits_micro": charged.credits_micro,
            "duration_ms": event.number("duration_ms"),
            "timed_requests": int("duration_ms" in event.fields),
            "time_to_first_token_ms": event.number("time_to_first_token_ms"),
            "first_token_requests": int("time_to_first_token_ms" in event.fields),
            "unpriced_requests": int(charged.status in ("unpriced", "partial")),
            "late_requests": int(self.late),
            "rating_sum": event.number("rating"),
            "rated_requests": int("rating" in event.fields),
        }
