"""Loads what a worker needs from the warehouse: partitions when they are assigned, rows when they are first touched."""

from collections.abc import Mapping, Sequence

import polars as pl

from producers.timeliness.rules import FUTURE_MS
from stream_jobs.corrections.awaited import Awaited, change_of
from stream_jobs.deduplication.keys import KeyMaker
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.deduplication.window import Window
from stream_jobs.worker import statements
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.partition import Partition, Progress
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import Pending, PeriodKey
from warehouse.families import Family
from warehouse.log_partitions import PARTITIONS_PER_GENERATION, row_version


def load_progress(sink: Sink, topic: str, partitions: Sequence[int]) -> dict[int, Progress]:
    """Stored progress of each partition; the beginning for those without."""
    found = {int(row[0]): Progress(*row[1:]) for row in sink.rows(statements.progress(topic, partitions))}
    return {number: found.get(number, Progress()) for number in partitions}


def load_partitions(
    sink: Sink,
    progress: dict[int, Progress],
    window_events: int,
    tombstones: Tombstones,
    former_ms: int | None = None,
) -> dict[int, Partition]:
    """Partitions with their windows refilled and their highest stored buckets.

    tombstones: learns what is erased; may raise NoErasureKey.
    former_ms: highest append time of the topic's former generations, whose ids are only in the warehouse.
    """
    loaded = {}
    for number, stored in progress.items():
        keys = KeyMaker(tombstones)
        window = _window(sink, number, stored, window_events, keys)
        window.former_ms = former_ms
        loaded[number] = Partition.resumed(number, stored, window)
        loaded[number].keys = keys
    tombstones.learn(sink.rows(statements.tombstoned_organizations()))  # after the windows: erasing goes on meanwhile
    for number, organization, bucket in sink.rows(statements.highest_buckets(list(progress))):
        loaded[number].highest_bucket[organization] = bucket
    load_controls(sink, loaded)
    return loaded


def load_controls(sink: Sink, partitions: Mapping[int, Partition]) -> None:
    """What control records up to progress left: revisions in force, and what is said of events to come."""
    if not partitions:
        return
    applied = {number: partition.applied for number, partition in partitions.items()}
    first = min(partitions) // PARTITIONS_PER_GENERATION * PARTITIONS_PER_GENERATION
    for number, kind, revision in sink.rows(statements.revisions_in_force(applied, first)):
        for mine in partitions.values() if number < 0 else [partitions[number]]:
            if kind == "prices":
                mine.prices = max(mine.prices, revision)
            elif kind == "multipliers":
                mine.multipliers = max(mine.multipliers, revision)
    for number, *identity, offset, control_id, kind, change in sink.rows(statements.awaited_events(applied)):
        awaited = Awaited(offset, control_id, kind, change_of(change), row_version(number, offset))
        organization, time_ms, event_id = identity
        partitions[number].awaited.add((organization, time_ms, event_id), awaited)


def load_pending(sink: Sink, directory: Directory, partitions: Sequence[int]) -> dict[PeriodKey, Pending]:
    """Touched days and weeks that were not derived since."""
    rows = sink.rows(statements.pending_periods(partitions))
    unknown = directory.unknown({row[1] for row in rows})
    if unknown:
        directory.learn(unknown, 0)
    return {(*key, day): pending_period(directory, (*key, day), touched) for *key, day, touched in rows}


def pending_period(directory: Directory, key: PeriodKey, touched: int) -> Pending:
    """A pending period of a learned organisation as its calendar has it now."""
    _, organization, grain, first = key
    calendar = directory.calendar(organization)
    if grain == "day":
        return Pending(calendar.day(first), calendar.week_of(first), touched)
    return Pending(calendar.week(first), first, touched)


def load_rows(sink: Sink, family: Family, wanted: pl.DataFrame) -> pl.DataFrame:
    """Stored quarter rows with exactly these src_partition, organization, bucket and, when given, dimensions.

    Empty without columns when there are none.
    """
    asked = wanted.drop("src_partition").unique()
    partitions = wanted["src_partition"].unique().to_list()
    stored = sink.frame(statements.family_rows(family, partitions, asked.columns), asked)
    if stored.is_empty():
        return pl.DataFrame()
    stored = stored.rename(dict(zip(stored.columns, statements.family_columns(family), strict=True)))
    stored = stored.with_columns(
        pl.col("src_partition").cast(pl.UInt16),
        pl.col("bucket", "hour").cast(pl.UInt32),
        pl.col(family.measures).cast(pl.Int64),
        pl.col("offset").cast(pl.Int64),
        pl.col("epoch").cast(pl.UInt32),
    )
    return stored.join(wanted, on=wanted.columns, how="semi")


def _window(sink: Sink, number: int, stored: Progress, size: int, keys: KeyMaker) -> Window:
    if stored.applied_offset < 0 or stored.accepted == 0:
        return Window(size)
    newest = sink.frame(statements.newest_ids(number, stored.applied_offset, size))
    if newest.is_empty():
        return Window(size, stored.accepted, whole=False)
    ordered = newest.reverse()
    made = keys.keys(ordered["organization"], ordered["event_id"])
    keys.erased = frozenset(ordered.filter("erased")["event_id"])
    append_ms = ordered["append_ms"][0]
    ahead_ms: list[int] = []
    if ordered.height < stored.accepted:
        # A broker's clock may have been set back: what left memory may have been appended "later".
        ((earlier_ms,),) = sink.rows(statements.newest_append_before(number, ordered["src_offset"][0], append_ms))
        append_ms = max(append_ms, earlier_ms)
        ahead_ms = [
            row[0] for row in sink.rows(statements.times_ahead(number, ordered["src_offset"][0], append_ms, FUTURE_MS))
        ]
    return Window.refilled(size, stored.accepted, made, ordered["time_ms"].to_list(), append_ms, ahead_ms)
