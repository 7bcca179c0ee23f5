"""Who is counted: raw events against the narrow tables of deduplication and against the running totals.

Everything is counted at or below one cut, progress as it was read before: what lies there is stored and does not
change, so that one answer is enough while traffic flows.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from warehouse.queries.progress import PartitionProgress
from warehouse.queries.query import Query, Rows, utc
from warehouse.queries.reconcile.difference import Comparison, Difference, difference
from warehouse.queries.reconcile.part import Cut

EVENTS_PER_SLICE = 4_000_000
IDENTITY = "organization, time, event_id, src_partition, src_offset, src_index"
FINGERPRINT = f"sum(cityHash64({IDENTITY}) % 4294967296)"
"""Compares sets of any size without holding them; 32 bits of each hash, so that sums stay exact."""
RAW = "usage_raw"
MEASURES = ("events", "fingerprint")
WHOLE_LOG = "since the log began"
IN_LOOKUP, AT_POSITIONS, IN_RAW = "event_id_lookup = raw", "event_id_log = raw", "partition_progress = raw"
"""The checks."""
Sums = tuple[int, int]
"""Number and fingerprint."""
_BETWEEN = "src_partition = {partition:UInt16} AND src_offset > {above:Int64} AND src_offset <= {to:Int64}"


@dataclass(frozen=True, slots=True)
class EventsPerHour:
    """How many raw events each hour (UTC) has."""

    sql = "SELECT toStartOfHour(time) AS start, count() FROM usage_raw GROUP BY start ORDER BY start"

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> list[tuple[datetime, int]]:
        """Start and number, oldest first."""
        return [(utc(start), int(events)) for start, events in rows]


@dataclass(frozen=True, slots=True)
class IdentitiesOf:
    """Sums per log partition of one table (usage_raw or event_id_lookup) from `since` to before `until`.

    Void events, which FINAL leaves out, are identities like all others: nothing makes them count again.
    """

    table: str
    cut: Cut
    since: datetime
    until: datetime

    @property
    def sql(self) -> str:
        """The statement."""
        where = (
            "WHERE time >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') "
            f"AND time < fromUnixTimestamp64Milli({{until:Int64}}, 'UTC') AND src_offset <= {Cut.sql}"
        )
        rows = f"SELECT {IDENTITY} FROM {self.table} FINAL {where}"
        if self.table == RAW:
            rows += f" UNION ALL SELECT DISTINCT {IDENTITY} FROM {self.table} {where} AND void = 1"
        return f"SELECT src_partition, count(), {FINGERPRINT} FROM ({rows}) GROUP BY src_partition"

    @property
    def parameters(self) -> Mapping[str, object]:
        """Bounds and cut."""
        bounds = {"since": int(self.since.timestamp() * 1000), "until": int(self.until.timestamp() * 1000)}
        return {**bounds, **self.cut.parameters}

    def read(self, rows: Rows) -> dict[int, Sums]:
        """Sums by log partition."""
        return {int(partition): (int(events), int(hashes)) for partition, events, hashes in rows}


@dataclass(frozen=True, slots=True)
class LoggedIdentities:
    """Sums of event_id_log for one log partition, above one offset up to another."""

    partition: int
    above: int
    to: int

    @property
    def sql(self) -> str:
        """The statement; the table keeps one event per position."""
        return f"SELECT count(), {FINGERPRINT} FROM event_id_log FINAL WHERE {_BETWEEN}"

    @property
    def parameters(self) -> Mapping[str, object]:
        """The bounds."""
        return {"partition": self.partition, "above": self.above, "to": self.to}

    def read(self, rows: Rows) -> Sums:
        """The one row."""
        return int(rows[0][0]), int(rows[0][1])


@dataclass(frozen=True, slots=True)
class ErasedEvents:
    """How many events of one log partition, above one offset up to another, were counted and then erased (rule E16).

    Tombstones are written before anything is removed: what is still in the log of ids is not erased yet.
    """

    partition: int
    above: int
    to: int

    sql = (
        f"SELECT count() FROM tombstones FINAL WHERE {_BETWEEN} AND (src_offset, src_index) NOT IN "
        f"(SELECT src_offset, src_index FROM event_id_log WHERE {_BETWEEN} AND (src_offset, src_index) IN "
        f"(SELECT src_offset, src_index FROM tombstones WHERE {_BETWEEN}))"
    )

    @property
    def parameters(self) -> Mapping[str, object]:
        """The bounds."""
        return {"partition": self.partition, "above": self.above, "to": self.to}

    def read(self, rows: Rows) -> int:
        """The one number."""
        return int(rows[0][0])


def slices(
    hours: Iterable[tuple[datetime, int]], events_max: int = EVENTS_PER_SLICE
) -> Iterator[tuple[datetime, datetime]]:
    """Neighbouring hours together up to `events_max` events, as (since, until); all of time is covered."""
    since, held = datetime(1970, 1, 1, tzinfo=UTC), 0
    for start, events in hours:
        if held and held + events > events_max:
            yield since, start
            since, held = start, 0
        held += events
    yield since, datetime(2299, 1, 1, tzinfo=UTC)


def compare_identities(
    ask: Callable[[Query[dict[int, Sums]]], dict[int, Sums]],
    logged: Callable[[LoggedIdentities], Sums],
    erased: Callable[[ErasedEvents], int],
    partitions: Sequence[PartitionProgress],
    spans: Sequence[tuple[datetime, datetime]],
    advance: Callable[[float], None],
) -> Comparison:
    """event_id_lookup = raw slice by slice; event_id_log = raw and the running totals = raw over all of them.

    Erased events are in the running totals and nowhere else.
    """
    cut = Cut.of(partitions)
    events: Counter[int] = Counter()
    hashes: Counter[int] = Counter()
    found: list[Difference] = []
    for number, (since, until) in enumerate(spans, 1):
        raw = ask(IdentitiesOf(RAW, cut, since, until))
        lookup = ask(IdentitiesOf("event_id_lookup", cut, since, until))
        for partition, sums in raw.items():
            events[partition] += sums[0]
            hashes[partition] += sums[1]
        named = f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}"
        found += _unequal(IN_LOOKUP, named, raw, lookup)
        advance(number / (len(spans) + 1))
    at_positions = {
        each.partition: logged(LoggedIdentities(each.partition, -1, each.applied_offset)) for each in partitions
    }
    raw = {partition: (events[partition], hashes[partition]) for partition in {*events, *at_positions}}
    found += _unequal(AT_POSITIONS, WHOLE_LOG, raw, at_positions)
    for each in partitions:
        gone = erased(ErasedEvents(each.partition, -1, each.applied_offset))
        found += running_totals(each, events[each.partition] + gone)
    advance(1.0)
    return Comparison(len(spans) + 2 * len(partitions), len(found), tuple(found))


def running_totals(told: PartitionProgress, counted: int) -> list[Difference]:
    """accepted = the events that are stored or erased; seen = accepted + duplicates + rejected + misrouted."""
    parts = told.accepted + told.duplicates + told.rejected + told.misrouted
    if (counted, parts) == (told.accepted, told.seen):
        return []
    key = (told.topic, told.partition, WHOLE_LOG)
    return [difference(IN_RAW, key, (), ("accepted", "seen"), ((counted, parts), (told.accepted, told.seen)))]


def _unequal(check: str, period: str, raw: Mapping[int, Sums], stored: Mapping[int, Sums]) -> list[Difference]:
    nothing = (0, 0)
    pairs = {partition: (raw.get(partition, nothing), stored.get(partition, nothing)) for partition in {*raw, *stored}}
    return [
        difference(check, ("", partition, period), (), MEASURES, pair)
        for partition, pair in sorted(pairs.items())
        if pair[0] != pair[1]
    ]
