"""The story of one event: what the warehouse and the log hold of it in, a verdict with its evidence out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from deploy.tracing.log_search import Copy, Wanted
from tokentally.partition import partition_of
from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.queries.corrected import AwaitedChange, Buried, FormerVersion
from warehouse.queries.partitions import PartitionState
from warehouse.queries.traced import CountedEvent, Derivation, Refused, RollupRow

NOT_MET = -1


class Verdict(StrEnum):
    """What became of the event, in one word."""

    COUNTED = "counted"
    VOID = "void"
    ERASED = "erased"
    BEING_WRITTEN = "being written"
    IN_FLIGHT = "in flight"
    REJECTED = "rejected"
    AWAITED = "awaited"
    FORWARDED = "forwarded"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What became of one copy in the log."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    ERASED = "erased"
    MISROUTED = "misrouted"
    IN_FLIGHT = "not applied yet"


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the event in the log, and what became of that copy."""

    partition: int
    offset: int
    index: int
    append_time: datetime
    outcome: Outcome
    note: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """One counted event with the rows that it belongs to."""

    event: CountedEvent
    rows: Sequence[RollupRow]
    periods: Sequence[Derivation]
    former: Sequence[FormerVersion] = ()
    """What it was before control records changed it, oldest first."""

    def contained(self, row: RollupRow) -> bool:
        """Whether the row's sums have the event in them."""
        return row.offset >= self.event.offset


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was found. partitions: progress by Kafka's number; searched: envelopes of the log read."""

    wanted: Wanted
    counted: Sequence[Counted] = ()
    refusals: Sequence[Refused] = ()
    copies: Sequence[Copy] = ()
    partitions: Mapping[int, PartitionState] = field(default_factory=dict)
    partition_count: int = 1
    searched: int = 0
    whole_log: bool = False
    waits: Mapping[int, str] = field(default_factory=dict)
    """What the worker of a Kafka partition waits for."""
    awaited: Sequence[AwaitedChange] = ()
    """What control records that name the event say of it."""
    buried: Sequence[Buried] = ()
    """Places of the event after it was erased."""
    set_apart: int = 0
    """Envelopes among the searched that are in quarantine: nothing decodes them."""

    def applied(self, partition: int) -> int:
        """The last offset of a Kafka partition that is stored completely."""
        return self.partitions[partition].applied_offset if partition in self.partitions else -1


@dataclass(frozen=True, slots=True)
class Story:
    """The verdict, one sentence for people, and the places of all copies that are known."""

    verdict: Verdict
    sentence: str
    places: Sequence[Place]


def told(found: Found) -> Story:
    """Puts the evidence together."""
    places = [_place(found, copy) for copy in found.copies]
    known = {(place.partition, place.offset, place.index) for place in places}
    for counted in found.counted:
        event = counted.event
        number = event.partition % PARTITIONS_PER_GENERATION
        if (number, event.offset, event.index) not in known:
            places.append(Place(number, event.offset, event.index, event.append_time, Outcome.ACCEPTED))
    for gone in found.buried:
        position = (gone.partition % PARTITIONS_PER_GENERATION, gone.offset, gone.index)
        if position not in known:
            places.append(Place(*position, gone.append_time, Outcome.ERASED))
    places.sort(key=lambda place: (place.partition, place.offset, place.index))
    verdict, sentence = _verdict(found, places)
    return Story(verdict, sentence, places)


def _place(found: Found, copy: Copy) -> Place:
    def made(outcome: Outcome, note: str = "") -> Place:
        return Place(copy.partition, copy.offset, copy.index, copy.append_time, outcome, note)

    position = (copy.partition, copy.offset, copy.index)
    for counted in found.counted:
        event = counted.event
        if (event.partition % PARTITIONS_PER_GENERATION, event.offset, event.index) == position:
            return made(Outcome.ACCEPTED)
    for gone in found.buried:
        if (gone.partition % PARTITIONS_PER_GENERATION, gone.offset, gone.index) == position:
            return made(Outcome.ERASED)
    if copy.offset > found.applied(copy.partition):
        ahead = copy.offset - found.applied(copy.partition) - 1
        waits = found.waits.get(copy.partition, "")
        return made(
            Outcome.IN_FLIGHT, f"{ahead:,} envelopes before it" + (f"; its worker waits for {waits}" * bool(waits))
        )
    for refusal in found.refusals:
        place = (refusal.partition or 0) % PARTITIONS_PER_GENERATION, refusal.offset
        if refusal.partition is not None and place == position[:2] and refusal.index in (None, copy.index):
            return made(Outcome.REJECTED, refusal.reason)
    home = partition_of(copy.organization, found.partition_count)
    if home != copy.partition:
        return made(Outcome.MISROUTED, f"forwarded to partition {home}, where {copy.organization} belongs")
    return made(Outcome.DUPLICATE)


def _verdict(found: Found, places: Sequence[Place]) -> tuple[Verdict, str]:
    if found.counted:
        return _counted(found, places)
    if found.buried:
        return Verdict.ERASED, _erased(found, places)
    flying = [place for place in places if place.outcome is Outcome.IN_FLIGHT]
    if flying:
        place = flying[0]
        where = f"partition {place.partition}, offset {place.offset}, position {place.index}"
        return Verdict.IN_FLIGHT, f"In the log at {where}, not applied yet: {place.note}."
    if found.refusals:
        refusal = found.refusals[-1]
        by = f"the {refusal.source}" if refusal.source else "somebody"
        return Verdict.REJECTED, f"Refused by {by} at {refusal.time:%Y-%m-%d %H:%M:%S} UTC: {refusal.reason}"
    waiting = [each for each in found.awaited if each.met == NOT_MET]
    if waiting and not places:
        records = "; ".join(_named(each.kind, each.control_id, each.author, each.note) for each in waiting)
        return Verdict.AWAITED, f"It has not come yet, and will be changed when it does: {records}."
    if places:
        return Verdict.FORWARDED, f"In the log, but in the wrong partition: {places[-1].note}."
    poison = f" (of which {found.set_apart} in quarantine cannot be read)" if found.set_apart else ""
    looked = f"{found.searched:,} envelopes of the log{poison}"
    if found.whole_log:
        return Verdict.UNKNOWN, f"Unknown: not in the warehouse, not among the refusals, and not in the {looked}."
    return Verdict.UNKNOWN, (
        f"Unknown: not in the warehouse, not among the refusals, and not in the {looked} that are not applied yet. "
        "--scan-log looks through everything that the log still has."
    )


def _counted(found: Found, places: Sequence[Place]) -> tuple[Verdict, str]:
    copies = sum(place.outcome is Outcome.DUPLICATE for place in places)
    more = f" {copies} more in the log {'is' if copies == 1 else 'are'} recognised as copies." if copies else ""
    if len(found.counted) > 1:
        return (
            Verdict.COUNTED,
            f"Counted {len(found.counted)} times: as events of different times or organisations.{more}",
        )
    counted = found.counted[0]
    event = counted.event
    number = event.partition % PARTITIONS_PER_GENERATION
    applied = found.applied(number)
    if event.partition // PARTITIONS_PER_GENERATION == _generation(found, number) and event.offset > applied:
        return Verdict.BEING_WRITTEN, (
            f"Accepted and stored; its flush is not complete: {event.offset} is above the applied {applied}.{more}"
        )
    if event.void:
        return Verdict.VOID, f"It counts nowhere: {_last(counted)}.{more}"
    rows = sum(counted.contained(row) for row in counted.rows)
    price = f"{event.cost_usd:f} USD ({event.cost_status}, price revision {event.price_revision})"
    return (
        Verdict.COUNTED,
        f"Counted once, for {event.organization} on {event.day}: {price}; in {rows} rollup rows."
        f"{_changed(counted)}{more}",
    )


def _changed(counted: Counted) -> str:
    times = len(counted.former)
    if not times:
        return _changed_at_birth(counted)
    often = "Once" if times == 1 else f"{times} times"
    return f" {often} changed since it came, the last time: {_last(counted)}."


def _changed_at_birth(counted: Counted) -> str:
    return " Changed when it came, by a control record before it." if counted.event.control_offset else ""


def _last(counted: Counted) -> str:
    """The record that made the event what it is."""
    if not counted.former:
        return "a control record before it says so"
    last = counted.former[-1]
    when = last.asked or last.changed
    return f"{_named(last.kind, last.control_id, last.author, last.note)} at {when:%Y-%m-%d %H:%M:%S} UTC"


def _named(kind: str, control_id: str, author: str, note: str) -> str:
    by = f" by {author}" if author else ""
    why = f" ({note})" if note else ""
    return f"{kind} {control_id}{by}{why}"


def _erased(found: Found, places: Sequence[Place]) -> str:
    gone = found.buried[0]
    when = f" at {gone.asked:%Y-%m-%d %H:%M:%S} UTC" if gone.asked else ""
    copies = sum(place.outcome is Outcome.DUPLICATE for place in places)
    more = f" {copies} more in the log {'is' if copies == 1 else 'are'} recognised as copies." if copies else ""
    return (
        f"Erased with what it belonged to, as {gone.organization} asked{when} (control record {gone.control_id}): "
        f"only a keyed hash of its id stays.{more}"
    )


def _generation(found: Found, number: int) -> int:
    return found.partitions[number].generation if number in found.partitions else 0
