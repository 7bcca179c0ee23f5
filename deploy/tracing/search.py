"""Asks the warehouse and the log for one event: an installation and an id in, everything found out."""

from collections.abc import Callable, Collection
from uuid import UUID

from clickhouse_connect.driver.client import Client

from deploy.local.installation import Installation
from deploy.local.told import Told
from deploy.tracing.log_search import LogRange, LogReader, Wanted
from deploy.tracing.story import Counted, Found
from warehouse.families import FAMILIES
from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.queries.corrected import AwaitedChanges, Buried, FormerVersions, Tombstone, TombstonedOrganizations
from warehouse.queries.partitions import PartitionState, PartitionStates, of_newest_generation
from warehouse.queries.query import ask
from warehouse.queries.reconcile.acknowledged import Hashed
from warehouse.queries.traced import CountedEvent, CountedEvents, Derivations, Refusals, RollupRows, SetApart

Progress = Callable[[int, int], None]
"""Told how many envelopes were read, of how many."""


def search(
    installation: Installation,
    client: Client,
    wanted: Wanted,
    *,
    whole_log: bool = False,
    at: tuple[int, int] | None = None,
    on_read: Progress = lambda _read, _all: None,
    hashed: Hashed,
) -> Found:
    """Everything that is known. whole_log: reads all that the log has; at: only this (partition, offset) of it.

    hashed: what stands for an erased id; asked for only when an organisation has erased events.
    """
    topic, count = installation.settings.events_topic, installation.settings.partitions
    counted = [
        _rows(client, event)
        for event in ask(client, CountedEvents(wanted.event_id, wanted.source_id, wanted.organization))
    ]
    partitions = of_newest_generation(ask(client, PartitionStates(topic)))
    reader = LogReader(installation.plan.kafka_bootstrap, topic)
    try:
        ranges = _ranges(reader.ranges(count), partitions, whole_log=whole_log, at=at)
        total, read = sum(part.envelopes for part in ranges.values()), [0]

        def note(envelopes: int) -> None:
            read[0] += envelopes
            on_read(min(read[0], total), total)

        apart = {(number % PARTITIONS_PER_GENERATION, offset) for number, offset in ask(client, SetApart())}
        apart = {place for place in apart if place[0] in ranges and ranges[place[0]].holds(place[1])}
        copies = reader.copies(wanted, ranges, apart, note)
    finally:
        reader.close()
    names = {wanted.source_id, *([str(wanted.event_id)] if wanted.event_id else []), *(str(c.event_id) for c in copies)}
    names.discard("")  # refusals without an id are many events
    places = {(_number(partitions, copy.partition), copy.offset, copy.index) for copy in copies}
    ids = {each for each in (wanted.event_id, *(copy.event_id for copy in copies)) if each is not None}
    awaited = [each for event_id in sorted(ids) for each in ask(client, AwaitedChanges(event_id, wanted.organization))]
    return Found(
        wanted,
        counted,
        ask(client, Refusals(sorted(names), sorted(places))),
        copies,
        partitions,
        count,
        total,
        whole_log,
        waits_by_partition(installation),
        awaited,
        _buried(client, wanted.organization, ids, hashed),
        len(apart),
    )


def _buried(client: Client, organization: str | None, ids: Collection[UUID], hashed: Hashed) -> list[Buried]:
    """Places of erased events that had one of these ids."""
    names = [each for each in ask(client, TombstonedOrganizations()) if organization in (None, each)]
    hashes = [(name, UUID(bytes=hashed(name, event_id.bytes))) for name in names for event_id in sorted(ids)]
    return ask(client, Tombstone(hashes)) if hashes else []


def waits_by_partition(installation: Installation) -> dict[int, str]:
    """What the worker of each Kafka partition waits for; "" when for nothing."""
    waits: dict[int, str] = {}
    for service in installation.status():
        told = Told.read(installation.home.run, service.name, service.pid) if service.pid else None
        if told is not None:
            waits |= dict.fromkeys(told.partitions, told.waits_for)
            waits |= {int(number): f"you: {why}" for number, why in told.refused.items()}
    return waits


def _rows(client: Client, event: CountedEvent) -> Counted:
    rows = [
        row
        for family in FAMILIES
        if family.only is None or event.dimensions[family.only]
        for row in ask(client, RollupRows(event, family))
    ]
    return Counted(event, rows, ask(client, Derivations(event)), ask(client, FormerVersions(event)))


def _ranges(
    log: dict[int, LogRange], partitions: dict[int, PartitionState], *, whole_log: bool, at: tuple[int, int] | None
) -> dict[int, LogRange]:
    if at is not None:
        number, offset = at
        known = log.get(number, LogRange(0, 0))
        return {number: LogRange(max(offset, known.first), min(offset + 1, known.end))}
    if whole_log:
        return log
    applied = {number: state.applied_offset for number, state in partitions.items()}
    return {
        number: LogRange(max(part.first, applied.get(number, part.first - 1) + 1), part.end)
        for number, part in log.items()
    }


def _number(partitions: dict[int, PartitionState], kafka_partition: int) -> int:
    known = partitions.get(kafka_partition)
    return known.partition if known else kafka_partition
