"""The truth of a run: the log counted once more, one event after the other, in plain Python numbers.

Nothing of the worker is used: prices, calendars, histograms, copies and control records are worked out by hand from
what was sent and from the order in which the log received it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from tests.chaos.accepted import Accepted
from tests.chaos.event import Event, Identity
from tests.chaos.histogram import measured
from tests.chaos.history import AHEAD_MS, History
from tests.chaos.log import Control, Record
from tests.chaos.orders import Refused, read_order
from tests.chaos.places import Calendars
from tokentally import partition_of
from warehouse.families import FAMILIES, Family

EARLIEST_MS = 946_684_800_000
COUNTED = ("seen", "accepted", "duplicates", "rejected", "misrouted")
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a control record: applied, repeated or refused; its kind when it could be read."""

    word: str
    kind: str


def key_in(family: Family, accepted: Accepted) -> Key | None:
    """The row of a family that an event belongs to; None when the family leaves it out."""
    event = accepted.event
    if family.only and not event.text(family.only):
        return None
    return (accepted.partition, event.organization, accepted.place, *map(event.text, family.dimensions))


@dataclass(slots=True)
class Lines:
    """Sums of one family by (partition, organisation, place, dimensions), and the last offset of each."""

    family: Family
    sums: dict[Key, list[int]] = field(default_factory=dict)
    offsets: dict[Key, int] = field(default_factory=dict)

    def add(self, accepted: Accepted, measures: dict[str, int]) -> None:
        """Counts an event, unless the family leaves it out."""
        key = key_in(self.family, accepted)
        if key is None:
            return
        row = self.sums.setdefault(key, [0] * len(self.family.measures))
        for place, name in enumerate(self.family.measures):
            row[place] += measures[name]
        self.offsets[key] = max(accepted.offset, self.offsets.get(key, -1))


@dataclass(slots=True)
class Truth:
    """Everything that must be in the warehouse once the log has been applied. key: signs control records."""

    partitions: int
    window: int
    history: History
    key: bytes
    counts: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: dict.fromkeys(COUNTED, 0)))
    ends: dict[int, int] = field(default_factory=dict)
    clocks_ms: dict[int, int] = field(default_factory=dict)
    outcomes: dict[tuple[int, int], Outcome] = field(default_factory=dict)
    """What became of each control record, by partition and offset."""
    _applied: set[tuple[int, str]] = field(default_factory=set)
    _near: dict[tuple[str, str], int] = field(default_factory=dict)
    _known: set[Identity] = field(default_factory=set)

    @property
    def accepted(self) -> list[Accepted]:
        """Events that count, as control records have left them."""
        return self.history.counted

    @property
    def calendars(self) -> Calendars:
        """As the log has told them so far."""
        return self.history.calendars

    @property
    def organizations(self) -> set[str]:
        """Everybody who ever sent what was accepted."""
        return {organization for organization, _, _ in self._known}

    def read(self, records: Iterable[Record]) -> None:
        """Goes on with these records, in the order of each partition."""
        for record in records:
            counts = self.counts[record.partition]
            self.ends[record.partition] = record.offset + 1
            clock_ms = self.clocks_ms.get(record.partition, 0)
            self.clocks_ms[record.partition] = max(record.append_ms, clock_ms)
            if record.control is not None:
                self.outcomes[record.partition, record.offset] = self._outcome(record, record.control)
                continue
            counts["seen"] += len(record.events) + record.refused
            counts["rejected"] += record.refused
            for index, event in record.events:
                self._judge(record, index, event, counts)

    def closed(self, partition: int, organization: str, grain: str, day: date) -> bool:
        """Whether a day or week has passed by the clock of its partition."""
        return self.calendars.period(organization, grain, day)[1] * 1000 <= self.clocks_ms[partition]

    def _outcome(self, record: Record, control: Control) -> Outcome:
        partition, kind = record.partition, ""
        try:
            order = read_order(control.value, control.signature, self.key, partition)
            kind = order.kind
            if (partition, order.control_id) in self._applied:
                return Outcome("repeated", kind)
            self.history.obey(order, partition, record.offset, record.append_ms)
        except Refused as refused:
            return Outcome("refused", kind or refused.kind)
        self._applied.add((partition, order.control_id))
        return Outcome("applied", kind)

    def _judge(self, record: Record, index: int, event: Event, counts: dict[str, int]) -> None:
        if partition_of(event.organization, self.partitions) != record.partition:
            counts["misrouted"] += 1
            return
        by = self.history.in_force[record.partition]
        charged = self.history.prices.charge(event, by)
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
        place = self.calendars.place(event.organization, event.time_ms)
        position = (record.partition, record.offset, index, record.append_ms)
        self.history.accept(Accepted(event, *position, place, charged, by))

    def lines(self) -> list[Lines]:
        """The rows of every family."""
        made = [Lines(family) for family in FAMILIES]
        for accepted in self.accepted:
            measures = accepted.measures()
            for lines in made:
                lines.add(accepted, measures)
        return made

    def histograms(self) -> dict[Key, dict[int, int]]:
        """Counts by bin of each (partition, organisation, place, provider, model, metric)."""
        found: dict[Key, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for accepted in self.accepted:
            for metric, number in measured(accepted.event).items():
                found[histogram_key(accepted, metric)][number] += 1
        return found


def histogram_key(accepted: Accepted, metric: str) -> Key:
    """Where an event is counted in the histograms of a metric."""
    event = accepted.event
    names = (event.text("provider"), event.text("model"), metric)
    return (accepted.partition, event.organization, accepted.place, *names)
