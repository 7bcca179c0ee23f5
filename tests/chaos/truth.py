"""The truth of a run: the log counted once more, one event after the other, in plain Python numbers.

Nothing of the worker is used: prices, calendars, histograms and copies are worked out by hand from what was sent and
from the order in which the log received it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from tests.chaos.event import Event
from tests.chaos.histogram import measured
from tests.chaos.log import Record
from tests.chaos.places import Place, period_end, place_of
from tests.chaos.prices import Charged, PriceList
from tokentally import partition_of
from warehouse.families import FAMILIES, INPUT_BUCKETS, OUTPUT_BUCKETS, Family

AHEAD_MS = LATE_MS = 900_000
EARLIEST_MS = 946_684_800_000
COUNTED = ("seen", "accepted", "duplicates", "rejected", "misrouted")
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event that counts: where it stands and what it costs."""

    event: Event
    partition: int
    offset: int
    index: int
    append_ms: int
    place: Place
    charged: Charged

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


@dataclass(slots=True)
class Lines:
    """Sums of one family by (partition, organisation, place, dimensions), and the last offset of each."""

    family: Family
    sums: dict[Key, list[int]] = field(default_factory=dict)
    offsets: dict[Key, int] = field(default_factory=dict)

    def add(self, accepted: Accepted, measures: dict[str, int]) -> None:
        """Counts an event, unless the family leaves it out."""
        family, event = self.family, accepted.event
        if family.only and not event.text(family.only):
            return
        key = (accepted.partition, event.organization, accepted.place, *map(event.text, family.dimensions))
        row = self.sums.setdefault(key, [0] * len(family.measures))
        for place, name in enumerate(family.measures):
            row[place] += measures[name]
        self.offsets[key] = accepted.offset


@dataclass(slots=True)
class Truth:
    """Everything that must be in the warehouse once the log has been applied."""

    partitions: int
    window: int
    prices: PriceList
    accepted: list[Accepted] = field(default_factory=list)
    lines: list[Lines] = field(default_factory=lambda: [Lines(family) for family in FAMILIES])
    counts: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: dict.fromkeys(COUNTED, 0)))
    ends: dict[int, int] = field(default_factory=dict)
    clocks_ms: dict[int, int] = field(default_factory=dict)
    _near: dict[tuple[str, str], int] = field(default_factory=dict)
    _known: set[tuple[str, str, int]] = field(default_factory=set)

    def read(self, records: Iterable[Record]) -> None:
        """Goes on with these records, in the order of each partition."""
        for record in records:
            counts = self.counts[record.partition]
            self.ends[record.partition] = record.offset + 1
            clock_ms = self.clocks_ms.get(record.partition, 0)
            self.clocks_ms[record.partition] = max(record.append_ms, clock_ms)
            counts["seen"] += len(record.events) + record.refused
            counts["rejected"] += record.refused
            for index, event in record.events:
                self._judge(record, index, event, counts)

    def closed(self, partition: int, organization: str, grain: str, day: date) -> bool:
        """Whether a day or week has passed by the clock of its partition."""
        return period_end(organization, grain, day) * 1000 <= self.clocks_ms[partition]

    def _judge(self, record: Record, index: int, event: Event, counts: dict[str, int]) -> None:
        if partition_of(event.organization, self.partitions) != record.partition:
            counts["misrouted"] += 1
            return
        charged = self.prices.charge(event)
        if event.time_ms > record.append_ms + AHEAD_MS or event.time_ms < EARLIEST_MS or charged is None:
            counts["rejected"] += 1
            return
        # An organisation has one partition, so its ids need none.
        key, number = (event.organization, event.event_id), counts["accepted"]
        seen = self._near.get(key)
        if (seen is not None and number - seen <= self.window) or event.identity in self._known:
            counts["duplicates"] += 1
            return
        self._near[key] = number
        self._known.add(event.identity)
        counts["accepted"] += 1
        self._count(record, index, event, charged)

    def _count(self, record: Record, index: int, event: Event, charged: Charged) -> None:
        place = place_of(event.organization, event.time_ms)
        position = (record.partition, record.offset, index, record.append_ms)
        accepted = Accepted(event, *position, place, charged)
        self.accepted.append(accepted)
        measures = accepted.measures()
        for lines in self.lines:
            lines.add(accepted, measures)

    def histograms(self) -> dict[Key, dict[int, int]]:
        """Counts by bin of each (partition, organisation, place, provider, model, metric)."""
        found: dict[Key, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for accepted in self.accepted:
            event = accepted.event
            for metric, number in measured(event).items():
                names = (event.text("provider"), event.text("model"), metric)
                found[(accepted.partition, event.organization, accepted.place, *names)][number] += 1
        return found
